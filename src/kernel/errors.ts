/** Every error a caller can meet, in one table: code, status, default text. */

export const errorTable = {
  bad_request: [400, 'The request is not valid'],
  malformed_json: [400, 'The body is not valid JSON'],
  validation: [422, 'The request does not fit the schema'],
  unauthorized: [401, 'Could not validate credentials'],
  forbidden: [403, 'Not enough permissions'],
  foreign_origin: [403, 'Requests from this host or origin are refused'],
  not_found: [404, 'Resource not found'],
  method_not_allowed: [405, 'Method not allowed'],
  not_acceptable: [406, 'None of the accepted formats can be produced'],
  conflict: [409, 'The request conflicts with the current state'],
  gone: [410, 'This no longer exists'],
  length_required: [411, 'Content-Length is required'],
  precondition_failed: [412, 'A precondition of the request does not hold'],
  too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'This content type is not supported here'],
  range_not_satisfiable: [416, 'The requested range does not exist'],
  upgrade_required: [426, 'Connect here with a WebSocket'],
  rate_limited: [429, 'Too many requests'],
  internal: [500, 'Internal server error'],
  plugin_failed: [503, 'This part of the server did not start'],
  shutting_down: [503, 'The server is shutting down'],
  unavailable: [503, 'The service is temporarily unavailable'],
  disk_full: [507, 'The disk is full; nothing of this request was stored'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type ErrorCode = keyof typeof errorTable

/** One thing that is wrong with a request: where, and what. */
export interface Issue {
  /** JSON pointer into the body, or `query.name`, `path.name`. */
  readonly path: string
  readonly message: string
}

export interface ErrorExtras {
  readonly issues?: readonly Issue[]
  readonly headers?: Readonly<Record<string, string>>
  /** A plugin's own name for it, where its document has one: `EXPERIMENT_NOT_FOUND`. */
  readonly reason?: string
  readonly cause?: unknown
}

/** An error whose message is written for the caller. Anything else thrown becomes a bare 500. */
export class HearthError extends Error {
  override readonly name = 'HearthError'
  readonly code: ErrorCode
  readonly status: number
  readonly issues: readonly Issue[]
  readonly headers: Readonly<Record<string, string>>
  readonly reason: string | undefined

  constructor(code: ErrorCode, message: string = errorTable[code][1], extras: ErrorExtras = {}) {
    super(message, { cause: extras.cause })
    this.code = code
    this.status = errorTable[code][0]
    this.issues = extras.issues ?? []
    this.headers = extras.headers ?? {}
    this.reason = extras.reason
  }
}
