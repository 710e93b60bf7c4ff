/** PostgreSQL behind the database interface. */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { casing } from './columns.ts'
import type { Database, Transaction } from './database.ts'
import { noteStatement } from './errors.ts'
import { PostgresDialect } from './postgres-dialect.ts'
import { postgresError } from './postgres-errors.ts'
import { type Executor, ExecutorQueries } from './queries.ts'
import { type Scope, Scopes } from './scope.ts'

const dialect = new PostgresDialect({ casing })

/** Statements kept prepared on each connection; texts built per call go unprepared beyond it. */
const maxPrepared = 400

/** Values as on SQLite: numbers for all integers, 0 and 1 for booleans, JSON as its text. */
const types = {
  integers: { to: 20, from: [20, 1700], serialize: String, parse: Number },
  floats: {
    to: 701,
    from: [700, 701],
    serialize: (value: unknown) => (Object.is(value, -0) ? '-0' : String(value)),
    parse: Number,
  },
  booleans: {
    to: 16,
    from: [16],
    serialize: (value: unknown) => (value ? 't' : 'f'),
    parse: (text: string) => (text === 't' ? 1 : 0),
  },
  json: { to: 114, from: [114, 3802], serialize: String, parse: String },
  bytes: {
    to: 17,
    from: [17],
    serialize: (value: Uint8Array) => `\\x${value.toHex()}`,
    parse: (text: string) => Uint8Array.fromHex(text.slice(2)),
  },
}

/** What runs statements: the pool, or the one connection of a transaction. */
type Client = Pick<postgres.Sql, 'unsafe'>

const execute = (client: Client, prepared: Set<string>): Executor => {
  const send = (text: string, params: unknown[]) => {
    if (prepared.size < maxPrepared) prepared.add(text)
    return client.unsafe(text, params as postgres.ParameterOrJSON<never>[], {
      prepare: prepared.has(text),
    })
  }
  const translated = async <T>(text: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw noteStatement(postgresError(error), text)
    }
  }
  return {
    rows: async (text, params) => [...(await translated(text, send(text, params)))],
    values: async (text, params) => [...(await translated(text, send(text, params).values()))],
    run: async (text, params) => (await translated(text, send(text, params))).count ?? 0,
  }
}

class PostgresTransaction extends ExecutorQueries implements Transaction {
  constructor(executor: Executor, scope: Scope) {
    const guard = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!scope.open) throw new Error('This transaction is over')
      try {
        return await work()
      } catch (error) {
        scope.failure ??= error
        throw error
      }
    }
    super('postgres', dialect, {
      rows: (text, params) => guard(() => executor.rows(text, params)),
      values: (text, params) => guard(() => executor.values(text, params)),
      run: (text, params) => guard(() => executor.run(text, params)),
    })
  }

  async lock(name: string): Promise<void> {
    await this.rows(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`)
  }
}

class PostgresDatabase extends ExecutorQueries implements Database {
  readonly #pool: postgres.Sql
  readonly #scopes: Scopes
  readonly #prepared: Set<string>

  constructor(pool: postgres.Sql) {
    const scopes = new Scopes()
    const prepared = new Set<string>()
    const executor = execute(pool, prepared)
    super('postgres', dialect, {
      ...executor,
      // Would not wait for itself here, but on SQLite: refused so that it shows on both.
      run: (text, params) => {
        scopes.refuseInside('A write on the database')
        return executor.run(text, params)
      },
    })
    this.#pool = pool
    this.#scopes = scopes
    this.#prepared = prepared
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#scopes.refuseInside('A transaction')
    const scope: Scope = { open: true, failure: undefined }
    let result: { value: T } | undefined
    try {
      await this.#pool.begin(async (client) => {
        const tx = new PostgresTransaction(execute(client, this.#prepared), scope)
        result = { value: await this.#scopes.run(scope, () => work(tx)) }
        scope.open = false
      })
    } catch (error) {
      throw postgresError(error)
    } finally {
      scope.open = false
    }
    return (result as { value: T }).value
  }

  async close(): Promise<void> {
    this.#scopes.refuseInside('close()')
    await this.#pool.end({ timeout: 10 })
  }
}

/** @throws UnavailableError when the server cannot be reached */
export const openPostgres = async (url: string): Promise<Database> => {
  const pool = postgres(url, {
    max: 10,
    connect_timeout: 10,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'hearth' },
    types: types as unknown as Record<string, postgres.PostgresType>,
  })
  const db = new PostgresDatabase(pool)
  try {
    await db.rows(sql`select 1`)
  } catch (error) {
    await pool.end({ timeout: 0 })
    throw error
  }
  return db
}
