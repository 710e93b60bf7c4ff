/** Sees to it that one server conducts an experiment, and another one takes over when it dies. */
import { type Clock, type Database, sql, type Timer } from '../../../src/sdk.ts'

const leaseMs = 15_000
const renewMs = 5_000
const lookMs = 500

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
  /** By experiment, the time until which it is held. */
  readonly #held = new Map<string, number>()
  #timer: Timer | undefined
  #lost: (experimentId: string) => void = () => undefined

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  /** `lost` hears of leases that could not be renewed in time, and are another server's by now. */
  start(lost: (experimentId: string) => void): void {
    this.#lost = lost
    if (!this.#isShared) return
    this.#timer = this.#options.clock.every(renewMs, () => {
      this.#renew().catch(() => this.#forgetOld())
    })
  }

  /** Others need not wait for what is held here. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all([...this.#held.keys()].map((id) => this.release(id)))
  }

  /** False when another server has it, or the experiment is not there. */
  async take(experimentId: string): Promise<boolean> {
    const { db, clock, holder } = this.#options
    const now = clock.now()
    const until = now + leaseMs
    const free = this.#isShared
      ? sql`(experiments_lease.holder = ${holder} or experiments_lease.until < ${now})`
      : sql`true`
    const taken = await db.run(sql`
      insert into experiments_lease (experiment_id, holder, until)
      select id, ${holder}, ${until} from experiments_experiment where id = ${experimentId}
      on conflict (experiment_id) do update set holder = excluded.holder, until = excluded.until
      where ${free}`)
    if (taken === 1) this.#held.set(experimentId, until)
    return taken === 1
  }

  /** Whether what is done now is done with the right to do it. */
  holds(experimentId: string): boolean {
    const until = this.#held.get(experimentId)
    return until !== undefined && (!this.#isShared || this.#options.clock.now() < until)
  }

  async release(experimentId: string): Promise<void> {
    const { db, holder } = this.#options
    this.#held.delete(experimentId)
    await db.run(sql`
      delete from experiments_lease
      where experiment_id = ${experimentId} and holder = ${holder}`)
  }

  /** Waits until no other server has it: it let go, or died. */
  async free(experimentId: string): Promise<void> {
    const { clock } = this.#options
    while (await this.#isTaken(experimentId)) {
      await new Promise<void>((resolve) => clock.after(lookMs, resolve))
    }
  }

  get #isShared(): boolean {
    return this.#options.db.dialect === 'postgres'
  }

  async #isTaken(experimentId: string): Promise<boolean> {
    if (!this.#isShared) return false
    const { db, clock, holder } = this.#options
    const rows = await db.rows(sql`
      select 1 from experiments_lease where experiment_id = ${experimentId}
        and holder <> ${holder} and until >= ${clock.now()}`)
    return rows.length > 0
  }

  async #renew(): Promise<void> {
    const { db, clock, holder } = this.#options
    const before = [...this.#held.keys()]
    if (before.length === 0) return
    const until = clock.now() + leaseMs
    await db.run(sql`update experiments_lease set until = ${until} where holder = ${holder}`)
    const rows = await db.rows<{ id: string }>(sql`
      select experiment_id as id from experiments_lease where holder = ${holder}`)
    const mine = new Set(rows.map(({ id }) => id))
    for (const id of before) {
      if (mine.has(id)) {
        if (this.#held.has(id)) this.#held.set(id, until)
      } else if (this.#held.delete(id)) this.#lost(id)
    }
  }

  /** The database could not be asked: what has run out may be another's by now. */
  #forgetOld(): void {
    for (const id of [...this.#held.keys()]) {
      if (!this.holds(id) && this.#held.delete(id)) this.#lost(id)
    }
  }
}
