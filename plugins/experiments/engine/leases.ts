/** Sees to it that one server conducts an experiment, and another one takes over when it dies. */
import { type Clock, type Database, sql, type Timer } from '../../../src/sdk.ts'

const leaseMs = 15_000
const renewMs = 5_000

export interface LeasesOptions {
  readonly db: Database
  readonly clock: Clock
  /** This server, at this start. */
  readonly holder: string
}

/**
 * On SQLite nobody else can have the database, so whatever is noted is of a process that died: it
 * is taken over at once. On PostgreSQL a lease has to run out first.
 */
export class Leases {
  readonly #options: LeasesOptions
  readonly #held = new Set<string>()
  #timer: Timer | undefined

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = this.#options.clock.every(renewMs, () => void this.#renew())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** False when another server has it. */
  async take(experimentId: string): Promise<boolean> {
    const { db, clock, holder } = this.#options
    const now = clock.now()
    const free =
      db.dialect === 'sqlite'
        ? sql`true`
        : sql`(experiments_lease.holder = ${holder} or experiments_lease.until < ${now})`
    const taken = await db.run(sql`
      insert into experiments_lease (experiment_id, holder, until)
      values (${experimentId}, ${holder}, ${now + leaseMs})
      on conflict (experiment_id) do update set holder = excluded.holder, until = excluded.until
      where ${free}`)
    if (taken === 1) this.#held.add(experimentId)
    return taken === 1
  }

  async release(experimentId: string): Promise<void> {
    const { db, holder } = this.#options
    this.#held.delete(experimentId)
    await db.run(sql`
      delete from experiments_lease
      where experiment_id = ${experimentId} and holder = ${holder}`)
  }

  async #renew(): Promise<void> {
    const { db, clock, holder } = this.#options
    if (this.#held.size === 0) return
    await db
      .run(
        sql`
        update experiments_lease set until = ${clock.now() + leaseMs} where holder = ${holder}`,
      )
      .catch(() => undefined)
  }
}
