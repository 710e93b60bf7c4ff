/** Lets one process at a time use a data folder; the operating system frees it, also on a kill. */
import { Database, SQLiteError } from 'bun:sqlite'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another process uses the data folder. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'
  /** Of the process that holds it, when it could be read. */
  readonly pid: number | null
  constructor(dataDir: string, pid: number | null) {
    const who = pid === null ? 'another process' : `the process ${pid}`
    super(`${dataDir} is in use by ${who}: stop it first, or give DATA_DIR another folder`)
    this.pid = pid
  }
}

export interface DataDirLock {
  release(): void
}

const readPid = (file: string): number | null => {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || null
  } catch {
    return null
  }
}

/**
 * The lock is SQLite's own on a tiny database, because that is the one lock that works alike on
 * every system and in a compiled program. The pid stands beside it: nobody can read a locked file.
 * @throws DataDirInUseError
 */
export const lockDataDir = (dataDir: string): DataDirLock => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const pidFile = join(dataDir, 'lock.pid')
  const database = new Database(join(dataDir, 'lock.sqlite'))
  try {
    database.run('pragma busy_timeout = 0')
    database.run('pragma locking_mode = exclusive')
    database.run('pragma journal_mode = memory')
    // A write takes the lock, which this mode then keeps beyond the end of the transaction.
    database.run('begin exclusive')
    database.run('pragma user_version = 1')
    database.run('commit')
  } catch (error) {
    database.close(true)
    const isBusy = error instanceof SQLiteError && error.code?.startsWith('SQLITE_BUSY')
    throw isBusy ? new DataDirInUseError(dataDir, readPid(pidFile)) : error
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  return { release: () => database.close(true) }
}
