/** A trained policy behind OpenAI's API, driven by LangChain's own client: it acts as here. */
import {
  AIMessage,
  type AIMessageChunk,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { scenarioOf } from '../../../plugins/scenarios/catalogue.ts'
import { seedOf } from '../../../plugins/scenarios/environment.ts'
import { Policy } from '../../../plugins/scenarios/models/policy.ts'
import type { PolicyFile } from '../../../plugins/scenarios/models/policy-file.ts'
import { startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

const episodes = 25
const noConversation = 'The messages are no conversation of customer_support'

test('whole episodes with tool calls end as with the policy itself', async () => {
  await using folder = await temporaryFolder()
  const hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    env: { LOG_LEVEL: 'error' },
  })
  try {
    const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
      const headers = { 'content-type': 'application/json' }
      const reply = await fetch(`${hearth.origin}${path}`, {
        method,
        ...(body && { headers, body: JSON.stringify(body) }),
      })
      return (await reply.json()) as T
    }
    const { session_id } = await call<{ session_id: string }>('POST', '/api/training/start', {
      scenario_id: 'customer_support',
      framework: 'Native',
      max_episodes: 300,
      algorithm: 'bc',
    })
    let model = ''
    await waitUntil(
      'the model',
      async () => {
        const path = `/api/training/${session_id}`
        const { model_id } = await call<{ model_id: string | null }>('GET', path)
        model = model_id ?? ''
        return model !== ''
      },
      60_000,
    )
    const listed = await call<{ data: { id: string }[] }>('GET', '/v1/models')
    expect(listed.data.map(({ id }) => id)).toEqual([model])
    const path = `/api/models/${model}/export?format=json`
    const policy = new Policy(await call<PolicyFile>('GET', path))

    const scenario = scenarioOf('customer_support')
    const { conversation } = scenario ?? {}
    if (!scenario || !conversation) throw new Error('The scenario is gone')
    const tools = conversation.tools.map((one) => ({ type: 'function' as const, function: one }))
    const chat = new ChatOpenAI({
      model,
      apiKey: 'none',
      configuration: { baseURL: `${hearth.origin}/v1` },
      maxRetries: 0,
    }).bindTools(tools)
    const [spoken, silent] = [scenario.make(), scenario.make()]
    const observation = new Float32Array(scenario.spec.observations)
    const unheard = new Float32Array(scenario.spec.observations)
    for (let n = 0; n < episodes; n++) {
      silent.reset(seedOf('test', n), observation)
      for (let isOver = false; !isOver;) {
        const { action } = policy.act(observation, null)
        const { terminated, truncated } = silent.step(action, observation)
        isOver = terminated || truncated
      }
      spoken.reset(seedOf('test', n), unheard)
      const messages: (SystemMessage | HumanMessage | AIMessage | ToolMessage)[] = [
        new SystemMessage(conversation.system),
        new HumanMessage(conversation.opening(spoken)),
      ]
      for (let isOver = false; !isOver;) {
        // Every other episode is streamed.
        const reply =
          n % 2 === 0 ? await chat.invoke(messages) : await streamed(await chat.stream(messages))
        const [asked] = reply.tool_calls ?? []
        if (!asked?.id) throw new Error('It called no tool')
        const action = conversation.actionOf(spoken, { name: asked.name, arguments: asked.args })
        if (typeof action === 'string') throw new Error(action)
        const { terminated, truncated } = spoken.step(action, unheard)
        isOver = terminated || truncated
        messages.push(reply)
        messages.push(new ToolMessage(conversation.reply(spoken), asked.id))
      }
      expect(spoken.verdict()).toEqual(silent.verdict())
    }
    const lost = await fetch(`${hearth.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello?' }] }),
    })
    expect({ status: lost.status, body: await lost.json() }).toEqual({
      status: 400,
      body: {
        detail: noConversation,
        code: 'bad_request',
        // As OpenAI's clients read it.
        error: {
          message: noConversation,
          type: 'invalid_request_error',
          param: null,
          code: 'bad_request',
        },
      },
    })
  } finally {
    await hearth.end('SIGKILL')
  }
}, 120_000)

const streamed = async (pieces: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> => {
  let said: AIMessageChunk | undefined
  for await (const piece of pieces) said = said?.concat(piece) ?? piece
  if (!said) throw new Error('It said nothing')
  return said
}
