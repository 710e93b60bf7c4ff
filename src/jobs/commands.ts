/** What the owner of a job may do with it. */
import type { Who } from '../auth/who.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { changeJob } from './change.ts'
import type { Commits, Work } from './commits.ts'
import { isTerminal, type JobEvent } from './job.ts'
import type { Outcome } from './outcome.ts'
import { type Job, jobById, jobsWhere } from './rows.ts'
import type { Streams } from './streams.ts'

export type Command = 'cancel' | 'pause' | 'resume' | 'retry'

export interface CommandOptions {
  readonly db: Database
  readonly commits: Commits
  readonly clock: Clock
  readonly streams: Pick<Streams, 'forget' | 'remove'>
}

/** One rule for everything of a job: its owner and superusers; for others it is not there. */
export const isVisible = (who: Who, job: Pick<Job, 'ownerId'>): boolean =>
  who.isSuperuser || job.ownerId === who.id

/** @throws HearthError `not_found` */
export const visibleJob = async (db: Database, who: Who, jobId: string): Promise<Job> => {
  const job = await jobById(db, jobId)
  if (job && isVisible(who, job)) return job
  throw new HearthError('not_found', `There is no job ${jobId}`)
}

/** @throws HearthError `not_found`, `conflict` */
export const runCommand = async (
  options: CommandOptions,
  who: Who,
  jobId: string,
  command: Command,
): Promise<void> => {
  const { db, commits, clock } = options
  const job = await visibleJob(db, who, jobId)
  const actor = `user:${who.id}`
  const event: JobEvent =
    command === 'retry'
      ? { type: 'retry', retries: job.policy.max_attempts - 1 }
      : { type: command }
  const outcome: Outcome | undefined =
    command === 'cancel'
      ? { reason: 'cancelled', exitCode: null, signal: null, message: `By ${who.username}` }
      : undefined
  await commits.commit(jobId, async (work) => {
    if (command === 'retry') await checkAgain(work, jobId)
    const notes = { nowMs: clock.now(), actor, ...(outcome && { outcome }) }
    const changed = await changeJob(work, jobId, event, notes)
    if (changed.ok || changed.why === 'repeated') return
    const now = (await jobById(work.tx, jobId))?.state ?? 'gone'
    throw new HearthError('conflict', `A job that is ${now} cannot be ${past[command]}`)
  })
}

const past = { cancel: 'cancelled', pause: 'paused', resume: 'resumed', retry: 'retried' } as const

/** A job that ended can run again only if what it needs is still there. */
const checkAgain = async (work: Work, jobId: string): Promise<void> => {
  const job = await work.jobs.read(jobId)
  if (!job || !isTerminal(job.state)) return
  if (job.hasSecrets) {
    const message = 'Its secrets were deleted when it ended: submit it anew, with them'
    throw new HearthError('conflict', message)
  }
  const before = await jobsWhere(
    work.tx,
    sql`id in (select after_id from jobs_dependency where job_id = ${jobId})`,
  )
  const open = before.filter(({ state }) => state !== 'succeeded')
  const dead = open.find(({ state }) => isTerminal(state))
  if (dead) {
    throw new HearthError('conflict', `Job ${dead.id}, which it is to follow, ${dead.state}`)
  }
  if (open.length !== job.waitingFor) {
    await work.jobs.write(job, { ...job, waitingFor: open.length })
  }
}

/** Deletes a job that has ended. @throws HearthError `not_found`, `conflict` */
export const removeJob = async (
  options: CommandOptions,
  who: Who,
  jobId: string,
): Promise<void> => {
  await visibleJob(options.db, who, jobId)
  const removed = await deleteJob(options, jobId)
  if (!removed) throw new HearthError('conflict', 'Only a job that has ended can be deleted')
}

/** False when it has not ended. */
export const deleteJob = async (
  { commits, streams }: CommandOptions,
  jobId: string,
): Promise<boolean> => {
  const done = await commits.commit(jobId, async (work) => {
    const job = await work.jobs.read(jobId)
    if (!job) return true
    if (!isTerminal(job.state)) return false
    await streams.forget(work.tx, jobId)
    for (const table of ['plan', 'history', 'dependency']) {
      await work.tx.run(sql`delete from ${sql.raw(`jobs_${table}`)} where job_id = ${jobId}`)
    }
    await work.tx.run(sql`delete from jobs_job where id = ${jobId}`)
    return true
  })
  if (done) await streams.remove(jobId)
  return done
}
