/** Errors as OpenAI's clients read them, and `detail` as everybody else here does. */
import { detailDialect, type Dialect, HearthError, type Issue } from '../../../src/sdk.ts'
import { UpstreamError } from './upstream.ts'

/** What the kernel refuses before a handler is asked is worded alike: keys, limits, methods. */
export const scenariosDialect: Dialect = {
  error: (problem) =>
    belowV1.test(problem.path ?? '') ? openAiError(problem) : detailDialect.error(problem),
}

const belowV1 = /^(\/api\/agents\/rollouts\/[^/]+)?\/v1\//

/** @throws what nobody foresaw, as it is */
export const toldAsOpenAi = (error: unknown): Response => {
  if (error instanceof UpstreamError) {
    const { status, message, retryAfter } = error
    const headers = retryAfter === null ? {} : { 'retry-after': retryAfter }
    const told = openAiError({ status, message, code: 'upstream_error', issues: [] })
    return Response.json(told, { status, headers })
  }
  if (!(error instanceof HearthError)) throw error
  const { status, headers } = error
  return Response.json(openAiError(error), { status, headers })
}

interface Refusal {
  readonly status: number
  readonly message: string
  readonly code: string
  readonly issues: readonly Issue[]
}

const openAiError = ({ status, message, code, issues }: Refusal) => ({
  error: { message, type: typeOf(status), param: paramOf(issues), code },
  detail: message,
  code,
  ...(issues.length > 0 && { errors: issues }),
})

const typeOf = (status: number): string => {
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'api_error'
}

/** null: it is of no field alone. */
const paramOf = ([first]: readonly Issue[]): string | null =>
  first?.path.startsWith('body.') ? first.path.slice('body.'.length) : null
