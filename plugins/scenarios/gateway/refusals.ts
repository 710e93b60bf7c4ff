/** Errors as OpenAI's clients read them, and `detail` as everybody else here does. */
import { HearthError } from '../../../src/sdk.ts'
import { UpstreamError } from './upstream.ts'

/** @throws what nobody foresaw, as it is */
export const toldAsOpenAi = (error: unknown): Response => {
  if (error instanceof UpstreamError) {
    const { status, message, retryAfter } = error
    const wait = retryAfter === null ? {} : { 'retry-after': retryAfter }
    return errorResponse(status, message, 'upstream_error', wait)
  }
  if (!(error instanceof HearthError)) throw error
  const { status, message, code, headers } = error
  return errorResponse(status, message, code, headers)
}

const errorResponse = (
  status: number,
  message: string,
  code: string,
  headers: Readonly<Record<string, string>>,
): Response => {
  const type = typeOf(status)
  const error = { message, type, param: null, code }
  return Response.json({ error, detail: message, code }, { status, headers })
}

const typeOf = (status: number): string => {
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'api_error'
}
