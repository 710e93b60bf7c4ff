/** A few connections shared by many: one user at a time each, replaced when lost. */
import { UnavailableError } from './errors.ts'
import { PostgresConnection } from './postgres-connection.ts'

const maxConnections = 10

/** How long `close` lets a connection say goodbye. */
const goodbyeMs = 1000

export class PostgresPool {
  readonly #url: string
  readonly #idle: PostgresConnection[] = []
  readonly #waiting: (() => void)[] = []
  #used = 0
  /** Set by `close`: called once the last connection is given back. */
  #onDrained: (() => void) | undefined

  constructor(url: string) {
    this.#url = url
  }

  /** Runs `work` on a connection of its own, after those that wait already. */
  async use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    if (this.#onDrained) throw new UnavailableError('The database is closed')
    const mustWait = this.#used === maxConnections
    if (mustWait) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#used++
    const connection = this.#take()
    try {
      return await work(connection)
    } finally {
      this.#giveBack(connection)
    }
  }

  /** Waits for the work that has begun or waits, then ends every connection. */
  async close(): Promise<void> {
    const drained = Promise.withResolvers<void>()
    this.#onDrained = drained.resolve
    if (this.#used > 0) await drained.promise
    await Promise.all(this.#idle.splice(0).map((connection) => connection.end(goodbyeMs)))
  }

  #take(): PostgresConnection {
    for (;;) {
      const connection = this.#idle.pop()
      if (!connection) return new PostgresConnection(this.#url)
      if (!connection.isLost) return connection
      void connection.end(0)
    }
  }

  #giveBack(connection: PostgresConnection): void {
    if (connection.isLost) void connection.end(0)
    else this.#idle.push(connection)
    const next = this.#waiting.shift()
    if (next) return next()
    if (--this.#used === 0) this.#onDrained?.()
  }
}
