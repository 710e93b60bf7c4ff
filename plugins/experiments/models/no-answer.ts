/** Why a call had no answer, and what can be done about it. */
import { withoutKeyParts } from './secrets.ts'

export interface NoAnswer {
  readonly ok: false
  /** Another try may help when it is `busy`, `slow` or `passing`; `refuses`: one without `what`. */
  readonly kind: 'busy' | 'slow' | 'passing' | 'refuses' | 'key' | 'wrong'
  readonly what?: 'temperature' | 'tools'
  /** What the server said about when to ask again: seconds, or a date. */
  readonly retryAfter?: string
  readonly message: string
}

interface CallError {
  readonly statusCode?: number
  readonly responseHeaders?: Readonly<Record<string, string>>
  readonly responseBody?: string
  readonly message?: string
}

export const noAnswer = (error: unknown): NoAnswer => {
  const { statusCode, responseHeaders, responseBody, message } = error as CallError
  const said = withoutKeyParts(messageIn(responseBody) ?? (message || 'no answer'))
  if (statusCode === undefined) return { ok: false, kind: 'passing', message: said }
  const told = { ok: false, message: `${statusCode} ${said}` } as const
  // Gemini refuses a key by 400.
  if (statusCode === 401 || statusCode === 403 || /api.?key not valid/i.test(said)) {
    return { ...told, kind: 'key' }
  }
  if (refusing.has(statusCode)) {
    if (/temperature/i.test(said)) return { ...told, kind: 'refuses', what: 'temperature' }
    if (/tool|function/i.test(said)) return { ...told, kind: 'refuses', what: 'tools' }
  }
  // OpenAI's word for an account without money, which no waiting will mend.
  if (responseBody?.includes('insufficient_quota')) return { ...told, kind: 'wrong' }
  const after = responseHeaders?.['retry-after']
  const retryAfter = after === undefined ? {} : { retryAfter: after }
  if (busy.has(statusCode)) return { ...told, ...retryAfter, kind: 'busy' }
  // An answer that cannot be read is one by chance: of a proxy, or one that was cut off.
  const isPassing = statusCode < 300 || statusCode === 408 || statusCode >= 500
  if (isPassing) return { ...told, ...retryAfter, kind: 'passing' }
  return { ...told, kind: 'wrong' }
}

/** OpenRouter has none with tools: 404. */
const refusing: ReadonlySet<number> = new Set([400, 404, 422, 501])

/** Anthropic is overloaded: 529. */
const busy: ReadonlySet<number> = new Set([429, 529])

const messageIn = (body: string | undefined): string | undefined => {
  try {
    const { error, message, detail } = JSON.parse(body ?? '') as {
      error?: { message?: unknown } | string
      message?: unknown
      detail?: unknown
    }
    const found = typeof error === 'string' ? error : (error?.message ?? message ?? detail)
    return typeof found === 'string' && found !== '' ? found : undefined
  } catch {
    return undefined
  }
}

/** Milliseconds until a server wants to be asked again; null when it does not say. */
export const waitMsOf = (retryAfter: string | undefined, now: number): number | null => {
  if (retryAfter === undefined || retryAfter.trim() === '') return null
  const seconds = Number(retryAfter)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : null
}
