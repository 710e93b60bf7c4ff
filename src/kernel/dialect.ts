/** How a plugin words its answers: the kernel owns the errors, the plugin owns their shape. */
import type { ErrorCode, Issue } from './errors.ts'

export interface Problem {
  readonly status: number
  readonly code: ErrorCode
  /** The plugin's own name for it, if it gave one. */
  readonly reason?: string
  readonly message: string
  readonly issues: readonly Issue[]
  readonly requestId: string
  /** Of the request; absent: in examples. A plugin may word what is below one path otherwise. */
  readonly path?: string
}

export interface Dialect {
  /** The body of an error reply. It must hold the message as a string a person can read. */
  error(problem: Problem): object
  /** Wraps what a handler returned; absent: bodies are bare. Never called for a `Response`. */
  success?(data: unknown): unknown
  /** Status of a request that fails its schema: 422 unless the plugin's document says otherwise. */
  readonly validationStatus?: 400 | 422
}

/** The dialect of AI Manager and AgentGym, and of the kernel's own routes. */
export const detailDialect: Dialect = {
  error: ({ code, message, issues }) => ({
    detail: message,
    code,
    ...(issues.length > 0 && { errors: issues }),
  }),
}
