/** SQLite behind the database interface: asynchronous transactions over a synchronous driver. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core'
import { casing } from './columns.ts'
import type { Database, Transaction } from './database.ts'
import { Mutex } from './mutex.ts'
import { makeNamelessFolder } from './nameless-folder.ts'
import { ExecutorQueries } from './queries.ts'
import { Scope, Scopes } from './scope.ts'
import { Connection } from './sqlite-connection.ts'

const drizzle = new SQLiteAsyncDialect({ casing })

const reads = /^\s*(?:select|values|explain)\b/i
const writesInside = /\b(?:insert|update|delete|replace)\b/i

/** Whether a text only reads. A wrong "no" costs a wait for the writer, nothing else. */
const isRead = (text: string): boolean =>
  reads.test(text) || (/^\s*with\b/i.test(text) && !writesInside.test(text))

/** One transaction's view of the writer. */
class SqliteTransaction extends ExecutorQueries implements Transaction {
  constructor(writer: Connection, scope: Scope) {
    super('sqlite', drizzle, {
      rows: (text, params) => scope.within(() => writer.rows(text, params)),
      values: (text, params) => scope.within(() => writer.values(text, params)),
      run: (text, params) => scope.within(() => writer.run(text, params)),
    })
  }

  /** Nothing to do: the transaction is the only writer. */
  async lock(): Promise<void> {}
}

class SqliteDatabase extends ExecutorQueries implements Database {
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #afterClose: () => void
  readonly #turn: Mutex
  readonly #scopes: Scopes

  constructor(writer: Connection, reader: Connection, afterClose: () => void) {
    const turn = new Mutex()
    const scopes = new Scopes()
    /** A single statement: its own transaction, after those that wait already. */
    const write = async <T>(work: () => T): Promise<T> => {
      scopes.refuseInside('A write on the database')
      const wait = turn.acquire()
      if (wait) await wait
      try {
        return work()
      } finally {
        turn.release()
      }
    }
    super('sqlite', drizzle, {
      rows: async (text, params) =>
        isRead(text) ? reader.rows(text, params) : write(() => writer.rows(text, params)),
      values: async (text, params) =>
        isRead(text) ? reader.values(text, params) : write(() => writer.values(text, params)),
      run: (text, params) => write(() => writer.run(text, params)),
    })
    this.#writer = writer
    this.#reader = reader
    this.#afterClose = afterClose
    this.#turn = turn
    this.#scopes = scopes
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#scopes.refuseInside('A transaction')
    const wait = this.#turn.acquire()
    if (wait) await wait
    const scope = new Scope()
    try {
      this.#writer.run('begin immediate', [])
      const tx = new SqliteTransaction(this.#writer, scope)
      const result = await this.#scopes.run(scope, () => work(tx))
      this.#writer.run('commit', [])
      return result
    } catch (error) {
      // SQLite has rolled back by itself after some failures, a full disk among them.
      if (this.#writer.inTransaction) this.#writer.run('rollback', [])
      throw error
    } finally {
      this.#turn.release()
    }
  }

  /** Waits for the transactions that have begun or wait. */
  async close(): Promise<void> {
    this.#scopes.refuseInside('close()')
    const wait = this.#turn.acquire()
    if (wait) await wait
    this.#reader.close()
    this.#writer.close()
    this.#afterClose()
  }
}

const pragmas = (connection: Connection, texts: readonly string[]): void => {
  for (const text of texts) connection.rows(`pragma ${text}`, [])
}

const common = ['busy_timeout = 2000', 'foreign_keys = on', 'temp_store = memory']

const connect = (path: string, synchronous: 'full' | 'off', afterClose = () => {}): Database => {
  const writer = new Connection(path)
  pragmas(writer, [...common, 'journal_mode = wal', `synchronous = ${synchronous}`])
  pragmas(writer, ['journal_size_limit = 67108864'])
  const reader = new Connection(path)
  pragmas(reader, [...common, 'query_only = on'])
  return new SqliteDatabase(writer, reader, afterClose)
}

/**
 * A database without a name, for tests: files in memory, gone when it closes. SQLite's own
 * `:memory:` would refuse readers while a transaction writes.
 */
const openNameless = (): Database => {
  const folder = makeNamelessFolder()
  return connect(join(folder, 'nameless.sqlite'), 'off', () => rmSync(folder, { recursive: true }))
}

/** A commit is on disk when it resolves: write-ahead log, and one fsync at each commit. */
export const openSqlite = (path: string): Database =>
  path === ':memory:' ? openNameless() : connect(path, 'full')
