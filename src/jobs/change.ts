/** Moves jobs on in the database: the one place that writes states, and what follows from them. */
import { sql } from '../storage/sql.ts'
import type { Work } from './commits.ts'
import { isTerminal, type JobEvent, type JobState, transition } from './job.ts'
import type { Outcome } from './outcome.ts'
import { backoffMs } from './policy.ts'
import { among } from './json-rows.ts'
import { forUpdate, isActive, type Job, jobsWhere } from './rows.ts'
import type { JobException } from './streams.ts'

/** Who did it and what more there is to say; `nowMs` is the server's clock. */
export interface ChangeNotes {
  readonly nowMs: number
  readonly actor: string
  readonly why?: string
  readonly outcome?: Outcome
  readonly error?: JobException | null
}

export type Changed =
  | { readonly ok: true; readonly job: Job }
  | { readonly ok: false; readonly why: 'missing' | 'stale' | 'repeated' | 'refused' }

/** Applies an event to a job as it is now. */
export const changeJob = async (
  work: Work,
  jobId: string,
  event: JobEvent,
  notes: ChangeNotes,
): Promise<Changed> => {
  const job = await work.jobs.read(jobId)
  return job ? moveJob(work, job, event, notes) : { ok: false, why: 'missing' }
}

/** The same for a job that this transaction has read, and locked. */
export const moveJob = async (
  work: Work,
  job: Job,
  event: JobEvent,
  notes: ChangeNotes,
): Promise<Changed> => {
  const moved = transition(job, event)
  if (!moved.ok) return moved
  const after: Job = { ...job, ...moved.job, ...consequences(job, moved.job.state, notes) }
  const written = await work.jobs.write(job, after)
  noteChange(work, job, written, event.type, notes)
  if (isTerminal(after.state)) {
    if (job.hasSecrets) {
      await work.tx.run(sql`update jobs_plan set secrets = null where job_id = ${job.id}`)
    }
    if (job.isFollowed) await tellDependants(work, written, notes)
  }
  return { ok: true, job: written }
}

const holdsPlace = (state: JobState): boolean =>
  state === 'assigned' || state === 'running' || state === 'lost'

/** What else changes with the state. */
const consequences = (job: Job, state: JobState, notes: ChangeNotes): Partial<Job> => {
  const { nowMs, outcome } = notes
  const ended = holdsPlace(state) ? {} : { gpus: [], phase: null, detail: null }
  const told = outcome && { outcome, error: notes.error ?? null }
  if (state === job.state) return {}
  switch (state) {
    case 'running':
      return { startedAt: job.startedAt ?? nowMs }
    case 'queued': {
      const isRetry = holdsPlace(job.state) && job.state !== 'assigned'
      const waitMs = isRetry ? backoffMs(job.policy, job.attempt + 1) : 0
      const readyAt = waitMs > 0 ? nowMs + waitMs : 0
      return {
        ...ended,
        ...told,
        queuedAt: nowMs,
        readyAt,
        startedAt: null,
        endedAt: null,
        overdue: false,
      }
    }
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return { ...ended, ...told, endedAt: nowMs }
    case 'paused':
      return { ...ended, ...told }
    default:
      return {}
  }
}

export const noteChange = (
  { history, changes }: Work,
  before: Job | null,
  after: Job,
  event: string,
  { nowMs, actor, why, outcome }: ChangeNotes,
): void => {
  changes.push({ before, after })
  history.push({
    jobId: after.id,
    at: nowMs,
    attempt: after.attempt,
    from: before?.state ?? null,
    to: after.state,
    event,
    actor,
    why: why ?? null,
    nodeId: after.nodeId,
    outcome: outcome ?? null,
  })
}

/** Jobs that come after one that ended may begin, or never will. */
const tellDependants = async (work: Work, ended: Job, notes: ChangeNotes): Promise<void> => {
  const { tx } = work
  const rows = await tx.rows<{ job_id: string }>(
    sql`select job_id from jobs_dependency where after_id = ${ended.id}`,
  )
  if (rows.length === 0) return
  const ids = rows.map(({ job_id }) => job_id)
  const waiting = await jobsWhere(
    tx,
    sql`${among(tx, sql`id`, ids)} and waiting_for > 0 and state in ('queued', 'paused')
      order by id ${forUpdate(tx)}`,
  )
  for (const job of waiting) {
    if (ended.state === 'succeeded') {
      const after = await work.jobs.write(job, { ...job, waitingFor: job.waitingFor - 1 })
      noteChange(work, job, after, 'unblock', {
        ...notes,
        actor: 'server',
        why: `${ended.id} succeeded`,
      })
      continue
    }
    const why = `Job ${ended.id} (${ended.name}), which it was to follow, ${ended.state}`
    const outcome = { reason: 'cancelled', exitCode: null, signal: null, message: why } as const
    const told = { nowMs: notes.nowMs, actor: 'server', why, outcome }
    await moveJob(work, job, { type: 'cancel' }, told)
  }
}

/** The attempts that hold a place on these nodes. */
export const activeOn = (work: Pick<Work, 'tx'>, nodeIds: readonly string[]): Promise<Job[]> =>
  jobsWhere(work.tx, sql`${among(work.tx, sql`node_id`, nodeIds)} and ${isActive} order by seq`)
