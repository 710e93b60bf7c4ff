/** PostgreSQL behind the database interface. */
import { sql } from 'drizzle-orm'
import { casing } from './columns.ts'
import type { Database, Transaction } from './database.ts'
import { UnavailableError } from './errors.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { PostgresDialect } from './postgres-dialect.ts'
import { PostgresPool } from './postgres-pool.ts'
import { ExecutorQueries } from './queries.ts'
import { Scope, Scopes } from './scope.ts'

const dialect = new PostgresDialect({ casing })

class PostgresTransaction extends ExecutorQueries implements Transaction {
  constructor(connection: PostgresConnection, scope: Scope) {
    super('postgres', dialect, {
      rows: (text, params) => scope.within(() => connection.rows(text, params)),
      values: (text, params) => scope.within(() => connection.values(text, params)),
      run: (text, params) => scope.within(() => connection.run(text, params)),
    })
  }

  async lock(name: string): Promise<void> {
    await this.rows(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`)
  }
}

class PostgresDatabase extends ExecutorQueries implements Database {
  readonly #pool: PostgresPool
  readonly #scopes: Scopes

  constructor(pool: PostgresPool) {
    const scopes = new Scopes()
    super('postgres', dialect, {
      rows: (text, params) => pool.use((connection) => connection.rows(text, params)),
      values: (text, params) => pool.use((connection) => connection.values(text, params)),
      run: async (text, params) => {
        // It would wait for itself on SQLite only: refused so that it shows on both.
        scopes.refuseInside('A write on the database')
        return await pool.use((connection) => connection.run(text, params))
      },
    })
    this.#pool = pool
    this.#scopes = scopes
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#scopes.refuseInside('A transaction')
    return await this.#pool.use((connection) => this.#transact(connection, work))
  }

  async #transact<T>(
    connection: PostgresConnection,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const scope = new Scope()
    await connection.command('begin')
    try {
      const tx = new PostgresTransaction(connection, scope)
      const result = await this.#scopes.run(scope, () => work(tx))
      // The server answers ROLLBACK, and no error, where it could not commit.
      if ((await connection.command('commit')) === 'COMMIT') return result
      throw new UnavailableError('PostgreSQL did not commit the transaction')
    } catch (error) {
      if (!connection.isLost) await connection.command('rollback')
      throw error
    }
  }

  async close(): Promise<void> {
    this.#scopes.refuseInside('close()')
    await this.#pool.close()
  }
}

/** @throws UnavailableError when the server cannot be reached */
export const openPostgres = async (url: string): Promise<Database> => {
  const db = new PostgresDatabase(new PostgresPool(url))
  try {
    await db.rows(sql`select 1`)
  } catch (error) {
    await db.close()
    throw error
  }
  return db
}
