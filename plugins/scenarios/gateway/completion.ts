/** OpenAI's chat completions: what is asked, what is answered, whole or as a stream of events. */
import { Type as t } from '../../../src/sdk.ts'
import type { Message } from '../heard.ts'
import type { ChatMessage } from './trajectory.ts'

const part = t.Object({ type: t.String(), text: t.Optional(t.String()) })
const content = t.Union([t.String(), t.Array(part, { maxItems: 1000 }), t.Null()])

const message = t.Object({
  role: t.String({ maxLength: 100 }),
  content: t.Optional(content),
  tool_call_id: t.Optional(t.String()),
  tool_calls: t.Optional(
    t.Union([
      t.Null(),
      t.Array(
        t.Object({
          id: t.String(),
          function: t.Object({ name: t.String(), arguments: t.String() }),
        }),
        { maxItems: 1000 },
      ),
    ]),
  ),
})

const model = t.String({ minLength: 1, maxLength: 200 })

/** What others send besides is let pass, as other servers of this API do. */
const asked = {
  messages: t.Array(message, { minItems: 1, maxItems: 1000 }),
  tools: t.Optional(
    t.Array(t.Object({ function: t.Object({ name: t.String({ maxLength: 200 }) }) }), {
      maxItems: 1000,
    }),
  ),
  stream: t.Optional(t.Union([t.Boolean(), t.Null()])),
  stream_options: t.Optional(
    t.Union([t.Null(), t.Object({ include_usage: t.Optional(t.Boolean()) })]),
  ),
  n: t.Optional(t.Union([t.Integer({ minimum: 1 }), t.Null()])),
}

export const chatBody = t.Object({ model, ...asked })

/** At the address of a rollout, which may have a model of its own. */
export const rolloutChatBody = t.Object({ model: t.Optional(model), ...asked })

/** One that fits `chatBody`, with everything else that came along. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly (Message & ChatMessage)[]
  readonly tools?: readonly { readonly function: { readonly name: string } }[]
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_usage?: boolean } | null
  readonly n?: number | null
}

export type RolloutChatRequest = Omit<ChatRequest, 'model'> & Partial<Pick<ChatRequest, 'model'>>

export interface ToolCallSaid {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

export interface AnswerMessage extends Readonly<Record<string, unknown>> {
  readonly role: 'assistant'
  readonly content: string | null
  readonly tool_calls?: readonly ToolCallSaid[] | null
}

export interface Completion {
  readonly id: string
  readonly object: 'chat.completion'
  readonly created: number
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly message: AnswerMessage
    readonly finish_reason: string
  }[]
  readonly usage?: Readonly<Record<string, unknown>>
}

const idOf = (prefix: string) => `${prefix}${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`

const completion = (model: string, message: AnswerMessage, finish_reason: string): Completion => ({
  id: idOf('chatcmpl-'),
  object: 'chat.completion',
  created: Math.floor(Date.now() / 1000),
  model,
  choices: [{ index: 0, message, finish_reason }],
  // Policies read no tokens.
  usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
})

/** Says something and is done. */
export const textCompletion = (model: string, content: string): Completion =>
  completion(model, { role: 'assistant', content }, 'stop')

/** Calls one tool. */
export const callCompletion = (
  model: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Completion => {
  const call: ToolCallSaid = {
    id: idOf('call_'),
    type: 'function',
    function: { name, arguments: JSON.stringify(given) },
  }
  const message: AnswerMessage = { role: 'assistant', content: null, tool_calls: [call] }
  return completion(model, message, 'tool_calls')
}

/** The answer as the client wants it: one object, or server-sent events when it streams. */
export const respond = (request: ChatRequest, answer: Completion): Response =>
  request.stream
    ? new Response(eventsOf(answer, request.stream_options?.include_usage === true), {
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
      })
    : Response.json(answer)

const eventsOf = (answer: Completion, tellsUsage: boolean): string => {
  const { id, created, model, choices, usage } = answer
  const head = { id, object: 'chat.completion.chunk', created, model }
  const deltas = choices.flatMap(({ index, message, finish_reason }) => {
    const { tool_calls, ...rest } = message
    const calls = (tool_calls ?? []).map((call, at) => ({ index: at, ...call }))
    const chunk = (delta: object, finish: string | null) => ({
      index,
      delta,
      logprobs: null,
      finish_reason: finish,
    })
    return [
      chunk(rest, null),
      ...calls.map((call) => chunk({ tool_calls: [call] }, null)),
      chunk({}, finish_reason),
    ]
  })
  const chunks: object[] = deltas.map((choice) => ({ ...head, choices: [choice] }))
  if (tellsUsage) chunks.push({ ...head, choices: [], usage })
  return [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]']
    .map((line) => `data: ${line}\n\n`)
    .join('')
}
