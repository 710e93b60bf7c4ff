/** Tells sinks that a job is over: once, and again only when they could not be told. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { gather, turnOver } from './gather.ts'
import { among } from './json-rows.ts'
import type { MetricSink, SinkJob } from './sink.ts'
import type { JobFacts } from './streams.ts'

const retryMs = 2_000

export interface EndsOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
}

export class Ends {
  readonly #options: EndsOptions
  readonly #sinks: readonly MetricSink[]
  readonly #telling = new Map<string, Promise<void>>()
  readonly #untold: (jobId: string) => Promise<ReadonlySet<string>>
  #stopping = false

  constructor(options: EndsOptions, sinks: readonly MetricSink[]) {
    this.#options = options
    this.#sinks = sinks
    this.#untold = gather((ids: readonly string[]) => untoldAmong(options.db, ids), turnOver)
  }

  /** Concerns only jobs that the sinks have metrics of. Never rejects: it tries again later. */
  async tell(job: JobFacts): Promise<void> {
    // One after another: who comes while the sinks are being told finds that they were.
    const before = this.#telling.get(job.id) ?? Promise.resolve()
    const telling = before.then(() => this.#try(job))
    this.#telling.set(job.id, telling)
    await telling
    if (this.#telling.get(job.id) === telling) this.#telling.delete(job.id)
  }

  stop(): void {
    this.#stopping = true
  }

  async #try(job: JobFacts): Promise<void> {
    const { clock, log } = this.#options
    try {
      await this.#tellAll(job)
    } catch (error) {
      if (this.#stopping) return
      log.warn('A sink could not be told of the end of a job yet', { jobId: job.id, error })
      clock.after(retryMs, () => void this.tell(job))
    }
  }

  async #tellAll(job: JobFacts): Promise<void> {
    const { db, log } = this.#options
    if (!(await this.#untold(job.id)).has(job.id)) return
    for (const sink of this.#sinks) {
      try {
        await sink.ended?.(sinkJobOf(job))
      } catch (error) {
        if (mayPass(error)) throw error
        log.warn('A sink refused the end of a job', { jobId: job.id, error })
      }
    }
    await db.run(sql`update jobs_progress set is_told = true where job_id = ${job.id}`)
  }
}

export const sinkJobOf = (job: JobFacts): SinkJob => ({
  id: job.id,
  kind: job.kind,
  name: job.name,
  ownerId: job.ownerId,
  projectId: job.projectId,
  state: job.state,
  command: job.plan.command,
})

/** A full disk and a database that is away pass; a refusal does not. */
export const mayPass = (error: unknown): boolean =>
  error instanceof HearthError
    ? error.status >= 500
    : error instanceof Error && ['DiskFullError', 'UnavailableError'].includes(error.name)

/** Jobs that have a run which was not told of their end. */
const untoldAmong = async (db: Database, ids: readonly string[]): Promise<Set<string>> => {
  const rows = await db.rows<{ job_id: string }>(sql`
    select job_id from jobs_progress
    where ${among(db, sql`job_id`, ids)} and run_id is not null and is_told = false`)
  return new Set(rows.map(({ job_id }) => job_id))
}
