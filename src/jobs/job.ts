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
  /** Its node kept silent; `isOver`: by now the node has ended the attempt by itself. */
  | { readonly type: 'lose'; readonly attempt: number; readonly isOver: boolean }
  /** The node of a lost job is back, and still has it. */
  | { readonly type: 'find'; readonly attempt: number }
  | { readonly type: 'cancel' | 'pause' | 'resume' }
  | { readonly type: 'retry'; readonly retries: number }

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
      // Ended before it began: the node must not spawn anything.
      return job.state === 'assigned' ? to(job, { state: 'running' }) : stale
    case 'finish':
      return finish(job, event.attempt, event.outcome)
    case 'lose':
      return lose(job, event.attempt, event.isOver)
    case 'find':
      if (event.attempt !== job.attempt) return stale
      if (job.state === 'running') return repeated
      return job.state === 'lost' ? to(job, { state: 'running' }) : stale
    case 'cancel':
      return cancel(job)
    case 'pause':
      return pause(job)
    case 'resume':
      return resume(job)
    case 'retry':
      return retry(job, event.retries)
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
  if (job.state === 'queued') return stale
  const state = stateAfter(outcome)
  if (job.desired === 'run') {
    // It was resumed before the pause was complete.
    if (state === 'paused') return to(job, { state: 'queued' })
    if (state === 'failed' && mayRetry(job, outcome)) {
      return to(job, { state: 'queued', retriesLeft: job.retriesLeft - 1 })
    }
  }
  // A program that ended by itself before the cancellation reached it has simply ended.
  return to(job, { state })
}

/** The state an outcome leads to, retries aside. */
export const stateAfter = ({ reason, exitCode }: Outcome): JobState =>
  reason === 'exited' && exitCode === 0 ? 'succeeded' : outcomeTable[reason].state

const mayRetry = (job: JobCore, { reason }: Outcome): boolean =>
  job.retriesLeft > 0 && outcomeTable[reason].retryable

const lose = (job: JobCore, attempt: number, isOver: boolean): Transition => {
  if (attempt !== job.attempt) return stale
  if (job.state !== 'assigned' && job.state !== 'running' && job.state !== 'lost') return stale
  if (job.desired === 'cancel') return to(job, { state: 'cancelled' })
  // Nothing was spawned, nor will be: `start` is refused from here on.
  if (job.state === 'assigned') return to(job, { state: 'queued' })
  if (!isOver) return job.state === 'lost' ? repeated : to(job, { state: 'lost' })
  if (job.desired === 'pause') return to(job, { state: 'paused' })
  return job.retriesLeft > 0
    ? to(job, { state: 'queued', retriesLeft: job.retriesLeft - 1 })
    : to(job, { state: 'failed' })
}

const cancel = (job: JobCore): Transition => {
  if (job.state === 'cancelled') return repeated
  if (isTerminal(job.state)) return refused
  if (job.state !== 'running') return to(job, { state: 'cancelled', desired: 'cancel' })
  return job.desired === 'cancel' ? repeated : to(job, { desired: 'cancel' })
}

const pause = (job: JobCore): Transition => {
  if (job.state === 'paused') return repeated
  if (job.state === 'queued' || job.state === 'assigned') {
    return to(job, { state: 'paused', desired: 'pause' })
  }
  if (job.state !== 'running' || job.desired === 'cancel') return refused
  return job.desired === 'pause' ? repeated : to(job, { desired: 'pause' })
}

const resume = (job: JobCore): Transition => {
  if (job.state === 'paused') return to(job, { state: 'queued', desired: 'run' })
  if (job.state === 'queued') return repeated
  // The pause is still under way: take it back.
  const pausing = job.state === 'running' && job.desired === 'pause'
  return pausing ? to(job, { desired: 'run' }) : refused
}

const retry = (job: JobCore, retries: number): Transition => {
  if (job.state === 'queued') return repeated
  const ended = job.state === 'failed' || job.state === 'cancelled' || job.state === 'lost'
  if (!ended) return refused
  return to(job, { state: 'queued', desired: 'run', retriesLeft: retries })
}
