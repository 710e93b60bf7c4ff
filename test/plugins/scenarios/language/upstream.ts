/** A language model by OpenAI's API that knows the signals only as far as its prompt shows them. */
import { colours, moves } from './signals.ts'

interface Message {
  readonly role: string
  readonly content?: string | null
  readonly tool_calls?: readonly { readonly function: { readonly name: string } }[]
}

interface Asked {
  readonly model: string
  readonly messages: readonly Message[]
  readonly tools: readonly unknown[]
  readonly temperature?: number
  readonly max_tokens?: number
}

export interface Upstream extends AsyncDisposable {
  /** For OPENAI_BASE_URL. */
  readonly url: string
  readonly asked: { readonly body: Asked; readonly authorization: string | null }[]
}

export interface UpstreamOptions {
  /** What it makes of what it is shown; by default it does what was shown, and `halt` otherwise. */
  readonly choose?: (signal: string, shown: ReadonlyMap<string, string>, asked: Asked) => string
  /** Answers something else instead, to the n-th request, counted from 0. */
  readonly instead?: (
    n: number,
    request: Request,
  ) => Response | undefined | Promise<Response | undefined>
}

const copying = (signal: string, shown: ReadonlyMap<string, string>): string =>
  shown.get(signal) ?? 'halt'

export const startUpstream = ({ choose = copying, instead }: UpstreamOptions = {}): Upstream => {
  const asked: Upstream['asked'] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    routes: {
      '/v1/chat/completions': {
        async POST(request) {
          const body = (await request.json()) as Asked
          const n = asked.length
          asked.push({ body, authorization: request.headers.get('authorization') })
          const other = await instead?.(n, request)
          if (other) return other
          const { signal, shown } = readIn(body.messages)
          return completion(choose(signal, shown, body))
        },
      },
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

/** The signal that is to be obeyed now, and what was done, in demonstrations alone, at each. */
const readIn = (messages: readonly Message[]) => {
  const shown = new Map<string, string>()
  const last = messages.findLastIndex(({ role }) => role === 'user')
  let signal = ''
  for (const [i, { content, tool_calls: calls = [] }] of messages.entries()) {
    const [call] = calls
    if (call && i < last) shown.set(signal, call.function.name)
    const said = /^Signal (\w+)$/.exec(content ?? '')?.[1]
    if (said !== undefined) signal = said
  }
  return { signal, shown }
}

export const rightMove = (signal: string): string =>
  moves[colours.findIndex((colour) => colour === signal)] ?? 'halt'

let calls = 0

const completion = (name: string): Response =>
  Response.json({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'scripted',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: `call_${calls++}`, type: 'function', function: { name, arguments: '{}' } },
          ],
        },
        finish_reason: 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  })

export const saying = (content: string): Response =>
  Response.json({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'scripted',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  })
