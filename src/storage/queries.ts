/** Makes the `Queries` of a dialect out of three ways to run a text, drizzle's builder on top. */
import type { Query, SQL } from 'drizzle-orm'
import type { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core'
import { SqliteRemoteDatabase, SQLiteRemoteSession } from 'drizzle-orm/sqlite-proxy'
import type { DialectName, Queries } from './database.ts'

/** Runs statement texts; everything above it is the same on both dialects. */
export interface Executor {
  /** Rows as objects keyed by column name. */
  rows(text: string, params: unknown[]): Promise<unknown[]>
  /** Rows as arrays, in the order of the selected columns. */
  values(text: string, params: unknown[]): Promise<unknown[][]>
  /** How many rows were changed. */
  run(text: string, params: unknown[]): Promise<number>
}

/** A drizzle session that hands failures on as they are, not wrapped in its own error. */
class Session extends SQLiteRemoteSession<Record<string, never>, Record<string, never>> {
  override prepareQuery(
    ...args: Parameters<
      SQLiteRemoteSession<Record<string, never>, Record<string, never>>['prepareQuery']
    >
  ) {
    const prepared = super.prepareQuery(...args)
    const unwrapped = { queryWithCache: (_: string, __: unknown[], run: () => unknown) => run() }
    return Object.assign(prepared, unwrapped)
  }
}

const buildQuery = (dialect: SQLiteAsyncDialect, executor: Executor): SqliteRemoteDatabase => {
  const call = async (
    text: string,
    params: unknown[],
    method: 'run' | 'all' | 'values' | 'get',
  ) => {
    if (method === 'run') {
      await executor.run(text, params)
      return { rows: [] }
    }
    const rows = await executor.values(text, params)
    // For `get` drizzle expects the row itself, or nothing.
    return { rows: method === 'get' ? (rows[0] as unknown[]) : rows }
  }
  const session = new Session(call, dialect, undefined)
  return new SqliteRemoteDatabase('async', dialect, session, undefined)
}

export class ExecutorQueries implements Queries {
  readonly dialect: DialectName
  readonly #drizzle: SQLiteAsyncDialect
  readonly #executor: Executor
  #query: SqliteRemoteDatabase | undefined

  constructor(name: DialectName, drizzle: SQLiteAsyncDialect, executor: Executor) {
    this.dialect = name
    this.#drizzle = drizzle
    this.#executor = executor
  }

  /** Made at first use: most transactions of the hot path never ask for it. */
  get query(): SqliteRemoteDatabase {
    this.#query ??= buildQuery(this.#drizzle, this.#executor)
    return this.#query
  }

  rows<T>(statement: SQL): Promise<T[]> {
    const { sql, params } = this.#render(statement)
    return this.#executor.rows(sql, params) as Promise<T[]>
  }

  run(statement: SQL): Promise<number> {
    const { sql, params } = this.#render(statement)
    return this.#executor.run(sql, params)
  }

  #render(statement: SQL): Query {
    return this.#drizzle.sqlToQuery(statement)
  }
}
