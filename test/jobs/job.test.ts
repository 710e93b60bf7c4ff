/** Every state met by every event, and random walks that may never break a rule. */
import { describe, expect, test } from 'bun:test'
import {
  isTerminal,
  type JobCore,
  type JobEvent,
  type JobState,
  jobStates,
  transition,
} from '../../src/jobs/job.ts'
import { type OutcomeReason, outcomeTable } from '../../src/jobs/outcome.ts'

const outcomeOf = (reason: OutcomeReason, exitCode: number | null = null) => ({
  reason,
  exitCode,
  signal: null,
})

const job = (change: Partial<JobCore>): JobCore => ({
  state: 'queued',
  desired: 'run',
  attempt: 1,
  retriesLeft: 0,
  ...change,
})

const events = {
  claim: { type: 'claim' },
  start: { type: 'start', attempt: 1 },
  succeed: { type: 'finish', attempt: 1, outcome: outcomeOf('exited', 0) },
  fail: { type: 'finish', attempt: 1, outcome: outcomeOf('exited', 1) },
  lose: { type: 'lose', attempt: 1, isOver: false },
  lapse: { type: 'lose', attempt: 1, isOver: true },
  find: { type: 'find', attempt: 1 },
  cancel: { type: 'cancel' },
  pause: { type: 'pause' },
  resume: { type: 'resume' },
  retry: { type: 'retry', retries: 2 },
} as const satisfies Record<string, JobEvent>

/** What each event does in each state, in order: `x` refused, `s` stale, `=` happened already. */
const table: Record<JobState, string> = {
  queued: 'assigned s s s s s s cancelled paused = =',
  assigned: 'x running succeeded failed queued queued s cancelled paused x x',
  running: 'x = succeeded failed lost failed = running running x x',
  paused: 'x s = = s s s cancelled = queued x',
  lost: 'x s succeeded failed = failed running cancelled x x queued',
  succeeded: 'x s = = s s s x x x x',
  failed: 'x s = = s s s x x x queued',
  cancelled: 'x s = = s s s = x x queued',
}

const words = { stale: 's', repeated: '=', refused: 'x' } as const

test.each([...jobStates])('%s meets every event', (state) => {
  const desired = state === 'paused' ? 'pause' : state === 'cancelled' ? 'cancel' : 'run'
  const met = Object.values(events).map((event) => {
    const moved = transition(job({ state, desired }), event)
    return moved.ok ? moved.job.state : words[moved.why]
  })
  expect(met.join(' ')).toBe(table[state])
})

describe('the finer points', () => {
  const after = (from: Partial<JobCore>, event: JobEvent) => transition(job(from), event)
  const moved = (change: Partial<JobCore>) => ({ ok: true, job: job(change) })

  test.each<[string, Partial<JobCore>, JobEvent, object]>([
    [
      'a claim takes the next attempt',
      { attempt: 4 },
      events.claim,
      moved({ state: 'assigned', attempt: 5 }),
    ],
    [
      'a cancellation is delivered, not executed',
      { state: 'running' },
      events.cancel,
      moved({ state: 'running', desired: 'cancel' }),
    ],
    [
      'a failure spends a retry',
      { state: 'running', retriesLeft: 2 },
      events.fail,
      moved({ state: 'queued', retriesLeft: 1 }),
    ],
    [
      'a cancelled job is not retried',
      { state: 'running', desired: 'cancel', retriesLeft: 2 },
      events.fail,
      moved({ state: 'failed', desired: 'cancel', retriesLeft: 2 }),
    ],
    [
      'a refusal is not retried',
      { state: 'running', retriesLeft: 2 },
      { type: 'finish', attempt: 1, outcome: outcomeOf('refused') },
      moved({ state: 'failed', retriesLeft: 2 }),
    ],
    [
      'a pause that was taken back too late goes on',
      { state: 'running' },
      { type: 'finish', attempt: 1, outcome: outcomeOf('paused') },
      moved({ state: 'queued' }),
    ],
    [
      'a pause is taken back in time',
      { state: 'running', desired: 'pause' },
      events.resume,
      moved({ state: 'running' }),
    ],
    [
      'an attempt that never began costs no retry',
      { state: 'assigned', retriesLeft: 1 },
      events.lapse,
      moved({ state: 'queued', retriesLeft: 1 }),
    ],
    [
      'a lapsed attempt costs one',
      { state: 'running', retriesLeft: 1 },
      events.lapse,
      moved({ state: 'queued' }),
    ],
    [
      'a retry by hand brings new retries',
      { state: 'failed' },
      events.retry,
      moved({ retriesLeft: 2 }),
    ],
    [
      'an older attempt is stale',
      { state: 'running', attempt: 2 },
      events.succeed,
      { ok: false, why: 'stale' },
    ],
  ])('%s', (_, from, event, expected) => {
    expect(after(from, event)).toEqual(expected as ReturnType<typeof after>)
  })

  test.each(Object.keys(outcomeTable) as OutcomeReason[])('%s leads to its state', (reason) => {
    const from = { state: 'running', desired: 'pause' } as const
    const { ok, job: to } = transition(job(from), {
      type: 'finish',
      attempt: 1,
      outcome: outcomeOf(reason, 1),
    }) as { ok: true; job: JobCore }
    expect({ ok, state: to.state }).toEqual({ ok: true, state: outcomeTable[reason].state })
  })
})

test('random walks keep the rules', () => {
  let seed = 42
  const random = (n: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    return (seed >> 8) % n
  }
  const kinds = Object.values(events)
  for (let walk = 0; walk < 500; walk++) {
    let now = job({ attempt: 0, retriesLeft: random(3) })
    const finished = new Set<number>()
    for (let step = 0; step < 40; step++) {
      const picked = kinds[random(kinds.length)]!
      const attempt = Math.max(0, now.attempt - random(2))
      const event = 'attempt' in picked ? { ...picked, attempt } : picked
      const moved = transition(now, event)
      if (!moved.ok) continue
      const to = moved.job
      if (event.type === 'finish') {
        // Fenced: only the current attempt ends, and it ends once.
        expect({ attempt, again: finished.has(attempt) }).toEqual({
          attempt: now.attempt,
          again: false,
        })
        finished.add(attempt)
      }
      expect(to.attempt).toBe(now.attempt + (event.type === 'claim' ? 1 : 0))
      if (event.type !== 'retry') {
        expect(isTerminal(now.state)).toBe(false)
        expect(to.retriesLeft).toBeLessThanOrEqual(now.retriesLeft)
      }
      now = to
    }
  }
})
