/** The LangChain harness: ReAct agents of LangGraph play the episodes that a gateway hands out. */
import { tool } from '@langchain/core/tools'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI } from '@langchain/openai'

interface Rollout {
  readonly rollout_id: string
  readonly base_url: string
  readonly model?: string
  readonly system: string
  readonly user: string
  readonly tools: readonly {
    readonly function: {
      readonly name: string
      readonly description: string
      readonly parameters: Readonly<Record<string, unknown>>
    }
  }[]
}

/** The gateway cuts episodes off; this only keeps an agent from talking for ever. */
const recursionLimit = 1000

/** Plays until `gateway` has no more. @throws Error when it does not answer as it should */
export const playAll = async (gateway: string): Promise<void> => {
  for (;;) {
    const reply = await post(`${gateway}/next`, {})
    if (reply.status === 204) return
    // None yet: the gateway has kept us waiting, and asks us to ask again.
    if (reply.status !== 202) await play(gateway, (await reply.json()) as Rollout)
  }
}

const play = async (gateway: string, rollout: Rollout): Promise<void> => {
  const url = `${gateway}/rollouts/${rollout.rollout_id}`
  const llm = new ChatOpenAI({
    model: rollout.model ?? 'hearth',
    apiKey: 'none',
    configuration: { baseURL: rollout.base_url },
    maxRetries: 0,
  })
  const tools = rollout.tools.map(({ function: { name, description, parameters } }) =>
    tool(
      async (given) => {
        const reply = await post(`${url}/tools/${name}`, given)
        return ((await reply.json()) as { content: string }).content
      },
      { name, description, schema: parameters },
    ),
  )
  const agent = createReactAgent({ llm, tools, prompt: rollout.system })
  try {
    await agent.invoke({ messages: [{ role: 'user', content: rollout.user }] }, { recursionLimit })
  } catch (error) {
    // An agent that breaks off has failed its episode; why is in the log of the job.
    process.stderr.write(`${String(error)}\n`)
  }
  await post(`${url}/end`, {})
}

const post = async (url: string, body: unknown): Promise<Response> => {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!reply.ok) throw new Error(`${url} answered ${reply.status}: ${await reply.text()}`)
  return reply
}
