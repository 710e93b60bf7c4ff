/** Why a call had no answer, and what can be done about it. */
import { withoutKeyParts } from './secrets.ts'

export interface NoAnswer {
  readonly ok: false
  /** `passing`: another try may help. `refuses`: without `what` it may. */
  readonly kind: 'passing' | 'refuses' | 'key' | 'wrong'
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
  // An answer that cannot be read is one by chance: of a proxy, or one that was cut off.
  if (statusCode < 300 || statusCode === 408 || statusCode === 429 || statusCode >= 500) {
    const retryAfter = responseHeaders?.['retry-after']
    return { ...told, kind: 'passing', ...(retryAfter !== undefined && { retryAfter }) }
  }
  if (statusCode === 400 || statusCode === 422) {
    if (/temperature/i.test(said)) return { ...told, kind: 'refuses', what: 'temperature' }
    if (/tool|function/i.test(said)) return { ...told, kind: 'refuses', what: 'tools' }
  }
  return { ...told, kind: 'wrong' }
}

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
