/** Sees to it that one server conducts an experiment, and another one takes over when it dies. */
import { type Clock, type Database, sql, type Timer, type Transaction } from '../../../src/sdk.ts'

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
  readonly #held = new Set<string>()
  #timer: Timer | undefined
  #lost: (experimentId: string) => void = () => undefined

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  /** `lost` hears of experiments that another server has taken over. */
  start(lost: (experimentId: string) => void): void {
    this.#lost = lost
    if (!this.#isShared) return
    // What could not be renewed in time is noticed when somebody else has taken it.
    this.#timer = this.#options.clock.every(renewMs, () => {
      this.#renew().catch(() => undefined)
    })
  }

  /** Others need not wait for what is held here. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all([...this.#held].map((id) => this.release(id)))
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
    if (taken === 1) this.#held.add(experimentId)
    return taken === 1
  }

  /** In a transaction of whoever conducts: until its end nobody else can take the experiment. */
  async check(tx: Transaction, experimentId: string): Promise<void> {
    if (!this.#isShared) return
    const rows = await tx.rows(sql`
      select 1 from experiments_lease
      where experiment_id = ${experimentId} and holder = ${this.#options.holder} for share`)
    if (rows.length > 0) return
    this.#lose(experimentId)
    throw new Error(`Another server conducts ${experimentId}`)
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
    const before = [...this.#held]
    if (before.length === 0) return
    const until = clock.now() + leaseMs
    await db.run(sql`update experiments_lease set until = ${until} where holder = ${holder}`)
    const rows = await db.rows<{ id: string }>(sql`
      select experiment_id as id from experiments_lease where holder = ${holder}`)
    const mine = new Set(rows.map(({ id }) => id))
    for (const id of before) if (!mine.has(id)) this.#lose(id)
  }

  #lose(experimentId: string): void {
    if (this.#held.delete(experimentId)) this.#lost(experimentId)
  }
}
