/** The life of a job: its states as data, and the one pure function that moves it on. */
import { type Outcome, outcomeTable } from './outcome.ts'

/** `queued` waits for a node, `assigned` for that node to start it; the last three are terminal. */
export const jobStates = [
  'queued',
  'assigned',
  'running',
  'paused',
  'lost',
  'succeeded',
  'failed',
  'cancelled',
] as const
export type JobState = (typeof jobStates)[number]

export const terminalStates: readonly JobState[] = ['succeeded', 'failed', 'cancelled']

export const isTerminal = (state: JobState): boolean => terminalStates.includes(state)

/** What its owner wants of a job. Delivered by the next sync, so it cannot be missed. */
export type Desired = 'run' | 'pause' | 'cancel'

/** The part of a job that transitions read and write. */
export interface JobCore {
  readonly state: JobState
  readonly desired: Desired
  /** Fencing token: one more with every claim, compared in every write of a node. */
  readonly attempt: number
  /** Attempts the policy `retry` may still use, the current one not counted. */
  readonly retriesLeft: number
}

export type JobEvent =
  | { readonly type: 'claim' }
  | { readonly type: 'start'; readonly attempt: number }
  | { readonly type: 'finish'; readonly attempt: number; readonly outcome: Outcome }
  /** Its node kept silent for longer than the policy allows. */
  | { readonly type: 'lose'; readonly attempt: number }
  | { readonly type: 'cancel' | 'pause' | 'resume' | 'retry' }

/**
 * `stale`: not the current attempt (410). `repeated`: it has happened already (200, no change).
 * `refused`: the state does not allow it (409).
 */
export type Transition =
  | { readonly ok: true; readonly job: JobCore }
  | { readonly ok: false; readonly why: 'stale' | 'repeated' | 'refused' }

/** Moves a job on, or says why not. Pure: what it answers is what may be written. */
export const transition = (job: JobCore, event: JobEvent): Transition => {
  switch (event.type) {
    case 'claim':
      if (job.state !== 'queued' || job.desired !== 'run') return refused
      return to(job, { state: 'assigned', attempt: job.attempt + 1 })
    case 'start':
      if (event.attempt !== job.attempt) return stale
      if (job.state === 'running') return repeated
      // Cancelled before it began: the node must not spawn anything.
      if (job.state !== 'assigned' || job.desired === 'cancel') return stale
      return to(job, { state: 'running' })
    case 'finish':
      return finish(job, event.attempt, event.outcome)
    case 'lose':
      return lose(job, event.attempt)
    default:
      return command(job, event.type)
  }
}

const to = (job: JobCore, change: Partial<JobCore>): Transition => ({
  ok: true,
  job: { ...job, ...change },
})
const stale: Transition = { ok: false, why: 'stale' }
const repeated: Transition = { ok: false, why: 'repeated' }
const refused: Transition = { ok: false, why: 'refused' }

const finish = (job: JobCore, attempt: number, outcome: Outcome): Transition => {
  if (attempt !== job.attempt) return stale
  if (isTerminal(job.state) || job.state === 'paused') return repeated
  if (job.state !== 'assigned' && job.state !== 'running' && job.state !== 'lost') return stale
  const state = stateAfter(outcome)
  if (job.desired === 'run' && state === 'failed' && mayRetry(job, outcome)) {
    return to(job, { state: 'queued', retriesLeft: job.retriesLeft - 1 })
  }
  // A program that ended by itself before the cancellation reached it has simply ended.
  return to(job, { state, desired: state === 'paused' ? 'pause' : job.desired })
}

/** The state an outcome leads to, retries aside. */
export const stateAfter = ({ reason, exitCode }: Outcome): JobState =>
  reason === 'exited' && exitCode === 0 ? 'succeeded' : outcomeTable[reason].state

const mayRetry = (job: JobCore, { reason }: Outcome): boolean =>
  job.retriesLeft > 0 && outcomeTable[reason].retryable

const lose = (job: JobCore, attempt: number): Transition => {
  if (attempt !== job.attempt) return stale
  if (job.state === 'lost') return repeated
  if (job.state !== 'assigned' && job.state !== 'running') return refused
  if (job.desired === 'cancel') return to(job, { state: 'cancelled' })
  return job.retriesLeft > 0
    ? to(job, { state: 'queued', retriesLeft: job.retriesLeft - 1 })
    : to(job, { state: 'lost' })
}

const command = (job: JobCore, wish: 'cancel' | 'pause' | 'resume' | 'retry'): Transition => {
  const active = job.state === 'assigned' || job.state === 'running'
  switch (wish) {
    case 'cancel':
      if (job.state === 'cancelled' || (active && job.desired === 'cancel')) return repeated
      if (isTerminal(job.state)) return refused
      return active
        ? to(job, { desired: 'cancel' })
        : to(job, { state: 'cancelled', desired: 'cancel' })
    case 'pause':
      if (job.state === 'paused' || (active && job.desired === 'pause')) return repeated
      if (job.desired === 'cancel' || (!active && job.state !== 'queued')) return refused
      return active ? to(job, { desired: 'pause' }) : to(job, { state: 'paused', desired: 'pause' })
    case 'resume':
      if (job.state === 'queued' && job.desired === 'run') return repeated
      if (job.state === 'paused') return to(job, { state: 'queued', desired: 'run' })
      // The pause has not reached the node yet: take it back.
      return active && job.desired === 'pause' ? to(job, { desired: 'run' }) : refused
    case 'retry':
      if (job.state === 'queued') return repeated
      if (job.state !== 'failed' && job.state !== 'cancelled' && job.state !== 'lost')
        return refused
      return to(job, { state: 'queued', desired: 'run' })
  }
}
