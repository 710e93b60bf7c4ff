/** One connection to PostgreSQL, which is never used again once it failed. */
import postgres from 'postgres'
import { noteStatement, UnavailableError } from './errors.ts'
import { postgresError } from './postgres-errors.ts'
import type { Executor } from './queries.ts'

/** Statements kept prepared on a connection; texts built per call go unprepared beyond it. */
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

/**
 * The driver's own pool is not used: after a connection is lost inside of a transaction it keeps
 * that slot forever, and connects anew for whatever the transaction sends next, outside of it.
 */
export class PostgresConnection implements Executor {
  readonly #client: postgres.Sql
  readonly #prepared = new Set<string>()
  #isLost = false

  constructor(url: string) {
    this.#client = postgres(url, {
      max: 1,
      connect_timeout: 10,
      max_lifetime: null,
      fetch_types: false,
      onnotice: () => {},
      onclose: () => {
        this.#isLost = true
      },
      connection: { application_name: 'hearth' },
      types: types as unknown as Record<string, postgres.PostgresType>,
    })
  }

  get isLost(): boolean {
    return this.#isLost
  }

  async rows(text: string, params: unknown[]): Promise<unknown[]> {
    return [...(await this.#send(text, params, (query) => query))]
  }

  async values(text: string, params: unknown[]): Promise<unknown[][]> {
    return [...(await this.#send(text, params, (query) => query.values()))]
  }

  async run(text: string, params: unknown[]): Promise<number> {
    return (await this.#send(text, params, (query) => query)).count ?? 0
  }

  /** For `begin`, `commit` and `rollback`: answers what the server says it did. */
  async command(text: string): Promise<string> {
    return (await this.#send(text, [], (query) => query)).command
  }

  async end(timeoutMs: number): Promise<void> {
    this.#isLost = true
    await this.#client.end({ timeout: timeoutMs / 1000 })
  }

  async #send<T>(
    text: string,
    params: unknown[],
    shape: (query: postgres.PendingQuery<postgres.Row[]>) => PromiseLike<T>,
  ): Promise<T> {
    if (this.#isLost) throw new UnavailableError('The connection to PostgreSQL was lost')
    if (params.length > 0 && this.#prepared.size < maxPrepared) this.#prepared.add(text)
    const prepare = this.#prepared.has(text)
    try {
      const values = params as postgres.ParameterOrJSON<never>[]
      return await shape(this.#client.unsafe(text, values, { prepare }))
    } catch (error) {
      // Whatever is no answer of the server leaves the connection in an unknown state.
      if (!(error instanceof postgres.PostgresError)) this.#isLost = true
      throw noteStatement(postgresError(error), text)
    }
  }
}
