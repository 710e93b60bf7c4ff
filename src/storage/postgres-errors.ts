/** Tells PostgreSQL's failures apart by what a caller can do about them. */
import postgres from 'postgres'
import { ConflictError, DiskFullError, UnavailableError } from './errors.ts'

/** Codes of the driver and the socket: the server was not reached, or was lost on the way. */
const lost = /^(?:CONNECT|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|EAI_|ENOENT|EADDR)/

/**
 * Connection exceptions (08), too many connections (53300), an operator stopping or starting the
 * server (57P), and transactions that gave way to others (40).
 */
const unavailable = /^(?:08|53300|57P|40)/

/** `Key (a, b)=(1, 2) already exists.` */
const columnsOf = (detail: string | undefined): string[] =>
  (/^Key \((.*?)\)=/.exec(detail ?? '')?.[1] ?? '').split(', ').filter(Boolean)

/** The error to throw for what the driver threw; what no caller can act upon stays as it is. */
export const postgresError = (error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!(error instanceof postgres.PostgresError)) {
    return lost.test(code)
      ? new UnavailableError(`PostgreSQL cannot be reached (${code})`, error)
      : error
  }
  if (code === '53100') return new DiskFullError(error)
  if (code === '23505' || code === '23503' || code === '23001') {
    const kind = code === '23505' ? 'unique' : 'foreign_key'
    const constraint = error.constraint_name ?? null
    return new ConflictError(kind, { constraint, columns: columnsOf(error.detail), cause: error })
  }
  if (unavailable.test(code)) {
    return new UnavailableError(`PostgreSQL cannot serve this now: ${error.message}`, error)
  }
  return error
}
