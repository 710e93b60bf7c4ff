/** What scripted players did on a scenario, kept so that it is measured once. */
import { type Database, sql } from '../../../src/sdk.ts'
import type { Baselines } from '../training/baselines.ts'

export class BaselineCache {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** `hash` as of `scenarioHash`; null: not measured yet. */
  async of(hash: string): Promise<Baselines | null> {
    const [row] = await this.#db.rows<{ data: string }>(
      sql`select data from scenarios_baseline where hash = ${hash}`,
    )
    return row ? (JSON.parse(row.data) as Baselines) : null
  }

  async keep(hash: string, baselines: Baselines): Promise<void> {
    await this.#db.run(sql`insert into scenarios_baseline (hash, data)
      values (${hash}, ${JSON.stringify(baselines)}) on conflict (hash) do nothing`)
  }
}
