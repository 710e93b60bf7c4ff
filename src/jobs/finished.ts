/** Tells plugins that their jobs ended: at least once, also when the server dies in between. */
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { type Job, jobsWhere } from './rows.ts'
import type { JobView } from './view.ts'

export type FinishedListener = (job: JobView) => void | Promise<void>

export interface FinishedOptions {
  readonly db: Database
  readonly log: Logger
  readonly view: (job: Job) => Promise<JobView>
}

export class Finished {
  readonly #options: FinishedOptions
  readonly #listeners = new Map<string, FinishedListener[]>()

  constructor(options: FinishedOptions) {
    this.#options = options
  }

  on(kind: string, listener: FinishedListener): void {
    this.#listeners.set(kind, [...(this.#listeners.get(kind) ?? []), listener])
  }

  async tell(job: Job): Promise<void> {
    const listeners = this.#listeners.get(job.kind) ?? []
    if (listeners.length === 0) return
    const { db, log, view } = this.#options
    try {
      const seen = await view(job)
      for (const listener of listeners) await listener(seen)
      await db.run(sql`
        update jobs_job set told = 1 where id = ${job.id} and version = ${job.version}`)
    } catch (error) {
      log.error('A plugin could not take the end of its job', { error, job: job.id })
    }
  }

  /** Tells of those that ended while nobody could be told. */
  async start(): Promise<void> {
    const kinds = [...this.#listeners.keys()].map((kind) => sql`${kind}`)
    if (kinds.length === 0) return
    const jobs = await jobsWhere(
      this.#options.db,
      sql`told = 0 and state in ('succeeded', 'failed', 'cancelled')
        and kind in (${sql.join(kinds, sql`, `)}) order by seq`,
    )
    for (const job of jobs) await this.tell(job)
  }
}
