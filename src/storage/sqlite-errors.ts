/** Tells SQLite's failures apart by what a caller can do about them. */
import { SQLiteError } from 'bun:sqlite'
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConflictError, DiskFullError, UnavailableError } from './errors.ts'

const unavailable = [
  'BUSY',
  'LOCKED',
  'IOERR',
  'CANTOPEN',
  'READONLY',
  'CORRUPT',
  'NOTADB',
  'PROTOCOL',
]

/** A file system without room shows itself as an I/O error too, when shared memory cannot grow. */
const isFull = (path: string): boolean => {
  try {
    return statfsSync(dirname(path)).bavail === 0
  } catch {
    return false
  }
}

/** `UNIQUE constraint failed: run.a, run.b` or `... index 'name'`. */
const uniqueConflict = (error: SQLiteError): ConflictError => {
  const what = error.message.replace(/^.*constraint failed: /, '')
  const index = /^index '(.*)'$/.exec(what)?.[1]
  if (index !== undefined) return new ConflictError('unique', { constraint: index, cause: error })
  const columns = what.split(', ').map((name) => name.slice(name.indexOf('.') + 1))
  return new ConflictError('unique', { columns, cause: error })
}

/** The error to throw for what bun:sqlite threw; what no caller can act upon stays as it is. */
export const sqliteError = (error: unknown, path: string): unknown => {
  if (!(error instanceof SQLiteError)) return error
  const code = error.code ?? ''
  if (code === 'SQLITE_FULL') return new DiskFullError(error)
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return uniqueConflict(error)
  }
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY')
    return new ConflictError('foreign_key', { cause: error })
  if (code.startsWith('SQLITE_IOERR') && isFull(path)) return new DiskFullError(error)
  if (unavailable.some((name) => code.startsWith(`SQLITE_${name}`))) {
    return new UnavailableError(`The database cannot be used: ${error.message}`, error)
  }
  return error
}
