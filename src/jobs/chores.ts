/** What has to be done from time to time: overdue jobs are ended, old ones deleted. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import { sql } from '../storage/sql.ts'
import { noteChange } from './change.ts'
import { type CommandOptions, deleteJob } from './commands.ts'
import type { Leases } from './leases.ts'
import { jobsWhere } from './rows.ts'

export interface Retention {
  /** Null: kept for ever. */
  readonly maxAgeMs: number | null
  readonly maxEnded: number | null
}

export interface ChoreOptions extends CommandOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly leases: Pick<Leases, 'elapsedMs'>
  readonly retention: Retention
}

export interface Chores {
  endOverdue(): Promise<void>
  deleteOld(): Promise<void>
  stop(): Promise<void>
}

const overdueEveryMs = 5000
const deleteEveryMs = 10 * 60_000
const deletedAtOnce = 200
/** The node ends a job in time by itself; the server only steps in where that fails. */
const toleranceMs = 10_000

export const createChores = (options: ChoreOptions): Chores => {
  const { clock, log } = options
  /** When this server first saw an attempt run, on its stopwatch. */
  const seenMs = new Map<string, number>()
  const running = new Map<() => Promise<void>, Promise<void>>()

  const endOverdue = async (): Promise<void> => {
    const running = await jobsWhere(
      options.db,
      sql`state = 'running' and timeout_ms is not null and desired <> 'cancel'`,
    )
    const now = options.leases.elapsedMs()
    const keys = new Set<string>()
    for (const job of running) {
      const key = `${job.id}/${job.attempt}`
      keys.add(key)
      const since = seenMs.get(key) ?? now
      seenMs.set(key, since)
      const limitMs = (job.timeoutMs as number) + job.graceMs + toleranceMs
      if (now - since >= limitMs) await endJob(options, job.id, job.attempt)
    }
    for (const key of seenMs.keys()) if (!keys.has(key)) seenMs.delete(key)
  }

  const deleteOld = async (): Promise<void> => {
    for (;;) {
      const ids = await expired(options)
      for (const id of ids) await deleteJob(options, id)
      if (ids.length < deletedAtOnce) return
    }
  }

  const once = (chore: () => Promise<void>) => (): void => {
    if (running.has(chore)) return
    const work = chore()
      .catch((error: unknown) => log.warn('A chore failed', { error }))
      .finally(() => running.delete(chore))
    running.set(chore, work)
  }
  const timers = [
    clock.every(overdueEveryMs, once(endOverdue)),
    clock.every(deleteEveryMs, once(deleteOld)),
  ]
  return {
    endOverdue,
    deleteOld,
    async stop() {
      for (const timer of timers) timer.cancel()
      await Promise.all(running.values())
    },
  }
}

const endJob = ({ commits, clock }: ChoreOptions, jobId: string, attempt: number) =>
  commits.commit(jobId, async (work) => {
    const job = await work.jobs.read(jobId)
    if (job?.attempt !== attempt || job.state !== 'running' || job.overdue) return
    const after = await work.jobs.write(job, { ...job, desired: 'cancel', overdue: true })
    const why = `It runs longer than ${job.timeoutMs} ms`
    noteChange(work, job, after, 'overdue', { nowMs: clock.now(), actor: 'server', why })
  })

const expired = async ({ db, clock, retention }: ChoreOptions): Promise<string[]> => {
  const { maxAgeMs, maxEnded } = retention
  const found = new Set<string>()
  const ended = sql`state in ('succeeded', 'failed', 'cancelled') and ended_at is not null`
  if (maxAgeMs !== null) {
    const rows = await db.rows<{ id: string }>(sql`
      select id from jobs_job where ${ended} and ended_at < ${clock.now() - maxAgeMs}
      order by ended_at limit ${deletedAtOnce}`)
    for (const { id } of rows) found.add(id)
  }
  if (maxEnded !== null) {
    const rows = await db.rows<{ id: string }>(sql`
      select id from jobs_job where ${ended}
      order by ended_at desc limit ${deletedAtOnce} offset ${maxEnded}`)
    for (const { id } of rows) found.add(id)
  }
  return [...found].slice(0, deletedAtOnce)
}
