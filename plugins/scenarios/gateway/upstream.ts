/** Language models elsewhere, by OpenAI's API: asked on behalf of an agent, within bounds. */
import { Value } from '@sinclair/typebox/value'
import { Type as t } from '../../../src/sdk.ts'
import type { ChatModel } from './chat-model.ts'
import type { ChatRequest, Completion } from './completion.ts'

export interface Upstream {
  /** Without a slash at the end; `/chat/completions` follows. */
  readonly baseUrl: string
  /** Empty: it wants none. */
  readonly apiKey: string
}

const publicAddress = 'https://api.openai.com/v1'
const usualTimeoutMs = 120_000
const maxAnswerBytes = 4 * 2 ** 20

type Env = Readonly<Record<string, string | undefined>>

/** By the ecosystem's own settings and an own key, if there is one. null: nothing is set. */
export const upstreamIn = (env: Env, ownKey: string): Upstream | null => {
  const address = (env['OPENAI_BASE_URL'] ?? '').trim().replace(/\/+$/, '')
  const apiKey = ownKey.trim() || (env['OPENAI_API_KEY'] ?? '').trim()
  return address === '' && apiKey === '' ? null : { baseUrl: address || publicAddress, apiKey }
}

/** An error of OpenAI's kind that came from upstream; `status` is what the agent is told. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly status: number
  readonly retryAfter: string | null
  /** Asking again will not help. */
  readonly isFinal: boolean

  constructor(
    status: number,
    message: string,
    { retryAfter = null, isFinal = false }: { retryAfter?: string | null; isFinal?: boolean } = {},
  ) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
    this.isFinal = isFinal
  }
}

export const upstreamModel = (
  upstream: Upstream,
  model: string,
  timeoutMs = usualTimeoutMs,
): ChatModel => ({
  answer: async (request) => ({ completion: await ask(upstream, model, request, timeoutMs) }),
})

/** @throws UpstreamError */
export const ask = async (
  { baseUrl, apiKey }: Upstream,
  model: string,
  { stream: _, stream_options: __, ...request }: ChatRequest,
  timeoutMs: number,
): Promise<Completion> => {
  const reply = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey !== '' && { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({ ...request, model }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw error instanceof Error && error.name === 'TimeoutError'
      ? new UpstreamError(504, 'The model upstream did not answer in time')
      : new UpstreamError(502, 'The model upstream cannot be reached')
  })
  const text = await bounded(reply)
  const body = parsed(text)
  if (!reply.ok) throw refusal(reply, body, apiKey)
  if (isCompletion(body)) return body
  throw new UpstreamError(502, 'The model upstream answered something that is no completion')
}

const bounded = async (reply: Response): Promise<string> => {
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of reply.body ?? []) {
      pieces.push(piece)
      length += piece.length
      if (length > maxAnswerBytes) break
    }
  } catch {
    throw new UpstreamError(502, 'The answer of the model upstream broke off')
  }
  if (length > maxAnswerBytes) throw new UpstreamError(502, 'The model upstream says too much')
  return Buffer.concat(pieces).toString('utf8')
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** What the agent itself did wrong is told as it is; the rest is between us and upstream. */
const passedOn = new Set([400, 404, 413, 422, 429])
const maxMessageLength = 1_000

const refusal = ({ status, headers }: Response, body: unknown, apiKey: string): UpstreamError => {
  if (status === 401 || status === 403) {
    return new UpstreamError(502, 'The model upstream refuses the key that the server has for it', {
      isFinal: true,
    })
  }
  const { error } = (body ?? {}) as { error?: { message?: unknown } | null }
  const said = typeof error?.message === 'string' ? error.message : `It answered ${status}`
  // Some repeat what they were sent.
  const clean = apiKey === '' ? said : said.replaceAll(apiKey, '***')
  const message = `Upstream: ${clean.slice(0, maxMessageLength)}`
  const isTold = passedOn.has(status)
  return new UpstreamError(isTold ? status : 502, message, {
    retryAfter: isTold ? headers.get('retry-after') : null,
  })
}

const isCompletion = (body: unknown): body is Completion => Value.Check(completionBody, body)

const completionBody = t.Object({
  id: t.String(),
  choices: t.Array(
    t.Object({
      message: t.Object({
        role: t.String(),
        content: t.Optional(t.Union([t.String(), t.Null()])),
        tool_calls: t.Optional(
          t.Union([
            t.Null(),
            t.Array(
              t.Object({
                id: t.String(),
                function: t.Object({ name: t.String(), arguments: t.String() }),
              }),
            ),
          ]),
        ),
      }),
      finish_reason: t.String(),
    }),
    { minItems: 1 },
  ),
})
