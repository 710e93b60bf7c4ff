/** Brings what the server believes of a node's attempts in line with what the node holds. */
import type { Clock } from '../kernel/clock.ts'
import { changeJob } from './change.ts'
import type { Commits } from './commits.ts'
import type { Leases } from './leases.ts'
import type { Outcome } from './outcome.ts'
import { attemptKey, type Holding } from './reply.ts'
import type { Job } from './rows.ts'
import type { Session } from './sessions.ts'

interface ReconcileOptions {
  readonly commits: Commits
  readonly leases: Leases
  readonly clock: Clock
}

/**
 * A started attempt that its node does not name is gone only when that lasts: a sync that was sent
 * before the attempt began may arrive after a later one.
 */
const missingMs = 30_000

const vanished: Outcome = {
  reason: 'shim_lost',
  exitCode: null,
  signal: null,
  message: 'The node no longer knows this attempt: its state was lost',
}

export const reconcile = async (
  options: ReconcileOptions,
  session: Session,
  holding: readonly Holding[],
): Promise<void> => {
  const held = new Map(holding.map((one) => [attemptKey(one.job, one.attempt), one]))
  const works: Promise<unknown>[] = []
  for (const job of session.active.values()) {
    const key = attemptKey(job.id, job.attempt)
    const one = held.get(key)
    if (one) {
      session.missingSinceMs.delete(key)
      if (job.state === 'lost' || differs(job, one)) works.push(noteHeld(options, job, one))
    } else if (job.state === 'assigned') {
      if (!session.accepting) works.push(takeBack(options, job))
    } else if (isMissing(options, session, key)) {
      works.push(giveUp(options, job))
    }
  }
  await Promise.all(works)
}

const differs = (job: Job, { phase, detail }: Holding): boolean =>
  job.phase !== phase || job.detail !== (detail ?? null)

const isMissing = ({ leases }: ReconcileOptions, session: Session, key: string): boolean => {
  const now = leases.elapsedMs()
  const since = session.missingSinceMs.get(key) ?? now
  session.missingSinceMs.set(key, since)
  return now - since >= missingMs
}

const noteHeld = ({ commits, clock }: ReconcileOptions, job: Job, held: Holding) =>
  commits.commit(job.id, async (work) => {
    const notes = { nowMs: clock.now(), actor: `node:${job.nodeId}` }
    if (job.state === 'lost') {
      await changeJob(work, job.id, { type: 'find', attempt: job.attempt }, notes)
    }
    const now = await work.jobs.read(job.id)
    if (!now || now.attempt !== job.attempt || !isHeld(now) || !differs(now, held)) return
    const { phase, detail = null } = held
    const after = await work.jobs.write(now, { ...now, phase, detail })
    work.changes.push({ before: now, after })
  })

const isHeld = ({ state }: Job): boolean => state === 'assigned' || state === 'running'

/** A node that drains will not begin it. */
const takeBack = ({ commits, clock }: ReconcileOptions, job: Job) =>
  commits.commit(job.id, (work) =>
    changeJob(
      work,
      job.id,
      { type: 'lose', attempt: job.attempt, isOver: false },
      { nowMs: clock.now(), actor: 'server', why: 'Its node takes no new work' },
    ),
  )

const giveUp = ({ commits, clock }: ReconcileOptions, job: Job) =>
  commits.commit(job.id, (work) =>
    changeJob(
      work,
      job.id,
      { type: 'finish', attempt: job.attempt, outcome: vanished },
      { nowMs: clock.now(), actor: 'server', outcome: vanished },
    ),
  )
