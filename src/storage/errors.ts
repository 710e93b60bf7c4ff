/** The failures of storage that a caller can act upon, the same on every dialect and blob store. */

/** There is no room left: nothing of the transaction or blob was stored. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError'
  constructor(cause?: unknown) {
    super('The disk is full; nothing of this was stored', { cause })
  }
}

/** A unique or foreign key constraint refused a statement. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
  readonly kind: 'unique' | 'foreign_key'
  /** Name of the constraint, where the database tells it (PostgreSQL, indexes on expressions). */
  readonly constraint: string | null
  /** Columns of the constraint, without their table; empty where the database does not tell. */
  readonly columns: readonly string[]

  constructor(
    kind: 'unique' | 'foreign_key',
    found: { constraint?: string | null; columns?: readonly string[]; cause?: unknown } = {},
  ) {
    const where = found.columns?.join(', ') || found.constraint
    super(
      (kind === 'unique'
        ? 'A row with this value exists'
        : 'A row referred to is missing or in use') + (where ? ` (${where})` : ''),
      { cause: found.cause },
    )
    this.kind = kind
    this.constraint = found.constraint ?? null
    this.columns = found.columns ?? []
  }
}

/** The database cannot be reached, or gave way to another transaction: trying again may help. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
  }
}

export class BlobTooLargeError extends Error {
  override readonly name = 'BlobTooLargeError'
  readonly maxBytes: number
  constructor(maxBytes: number) {
    super(`More than ${maxBytes} bytes`)
    this.maxBytes = maxBytes
  }
}

/** The bytes that arrived are not the bytes that were announced. */
export class DigestMismatchError extends Error {
  override readonly name = 'DigestMismatchError'
  readonly expected: string
  readonly actual: string
  constructor(expected: string, actual: string) {
    super(`Expected sha256 ${expected}, received ${actual}`)
    this.expected = expected
    this.actual = actual
  }
}

/** A part of a resumable upload does not begin where the last one ended. */
export class UploadOffsetError extends Error {
  override readonly name = 'UploadOffsetError'
  /** Where the next part must begin. */
  readonly offset: number
  constructor(offset: number) {
    super(`The upload continues at byte ${offset}`)
    this.offset = offset
  }
}

/** Says on an error which statement failed (without its values), for whoever reads the log. */
export const noteStatement = (error: unknown, statement: string): unknown =>
  error instanceof Error ? Object.assign(error, { statement }) : error
