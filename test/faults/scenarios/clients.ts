/** Agents of the ecosystem's own clients, unmodified, at the address of a rollout. */
import {
  type AIMessageChunk,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import OpenAI from 'openai'

export interface Offer {
  readonly rollout_id: string
  readonly base_url: string
  readonly system: string
  readonly user: string
  readonly tools: OpenAI.ChatCompletionFunctionTool[]
}

/** Calls a tool of the rollout; answers what it says. */
const callTool = async (offer: Offer, name: string, given: string): Promise<string> => {
  const reply = await fetch(`${offer.base_url.replace(/\/v1$/, '')}/tools/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: given,
  })
  return ((await reply.json()) as { content: string }).content
}

/** Plays until the model says something instead of calling; answers what it says. */
export type Agent = (offer: Offer) => Promise<string>

export const openAi =
  (isStreaming: boolean, model = 'any'): Agent =>
  async (offer) => {
    const client = new OpenAI({ baseURL: offer.base_url, apiKey: 'none', maxRetries: 0 })
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'system', content: offer.system },
      { role: 'user', content: offer.user },
    ]
    for (;;) {
      const asked = { model, messages, tools: offer.tools }
      const answer = isStreaming
        ? await client.chat.completions.stream(asked).finalChatCompletion()
        : await client.chat.completions.create(asked)
      const message = answer.choices[0]?.message
      if (!message?.tool_calls?.length) return message?.content ?? ''
      messages.push(message)
      for (const call of message.tool_calls) {
        if (call.type !== 'function') continue
        const { name, arguments: given } = call.function
        const content = await callTool(offer, name, given)
        messages.push({ role: 'tool', tool_call_id: call.id, content })
      }
    }
  }

export const langChain =
  (isStreaming: boolean): Agent =>
  async (offer) => {
    const chat = new ChatOpenAI({
      model: 'any',
      apiKey: 'none',
      configuration: { baseURL: offer.base_url },
      maxRetries: 0,
    }).bindTools(offer.tools)
    const messages: (SystemMessage | HumanMessage | AIMessageChunk | ToolMessage)[] = [
      new SystemMessage(offer.system),
      new HumanMessage(offer.user),
    ]
    for (;;) {
      const reply = isStreaming
        ? await whole(await chat.stream(messages))
        : await chat.invoke(messages)
      messages.push(reply)
      if (!reply.tool_calls?.length) return String(reply.content)
      for (const { id, name, args } of reply.tool_calls) {
        const content = await callTool(offer, name, JSON.stringify(args))
        messages.push(new ToolMessage(content, id ?? ''))
      }
    }
  }

const whole = async (pieces: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> => {
  let said: AIMessageChunk | undefined
  for await (const piece of pieces) said = said?.concat(piece) ?? piece
  if (!said) throw new Error('It said nothing')
  return said
}
