/** Counts requests per caller, tells callers where they stand, and refuses those beyond limits. */
import type { Clock, Timer } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import { type Count, createCounters } from './counters.ts'

/** What a request counts against: each class has budgets of its own. */
export const limitClasses = ['api', 'ingest', 'login', 'agent', 'upload', 'create'] as const
export type LimitClass = (typeof limitClasses)[number]

export interface Budget {
  readonly windowMs: number
  readonly limit: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Training writes often: at the pace of `api` a run would stall within its first minute. */
export const defaultBudgets: Readonly<Record<LimitClass, readonly Budget[]>> = {
  api: [
    { windowMs: minuteMs, limit: 100 },
    { windowMs: hourMs, limit: 1_000 },
  ],
  ingest: [
    { windowMs: minuteMs, limit: 12_000 },
    { windowMs: hourMs, limit: 500_000 },
  ],
  agent: [
    { windowMs: minuteMs, limit: 30_000 },
    { windowMs: hourMs, limit: 1_000_000 },
  ],
  login: [
    { windowMs: minuteMs, limit: 30 },
    { windowMs: hourMs, limit: 300 },
  ],
  upload: [{ windowMs: minuteMs, limit: 10 }],
  create: [{ windowMs: hourMs, limit: 5 }],
}

/** The default budgets with those replaced that an operator set, class by class. */
export const budgetsFrom = (
  settings: Partial<Record<LimitClass, { perMinute: number; perHour: number }>>,
): Readonly<Record<LimitClass, readonly Budget[]>> => ({
  ...defaultBudgets,
  ...Object.fromEntries(
    Object.entries(settings).map(([limitClass, { perMinute, perHour }]) => [
      limitClass,
      [
        { windowMs: minuteMs, limit: perMinute },
        { windowMs: hourMs, limit: perHour },
      ],
    ]),
  ),
})

/** Adds to a count that servers share and answers the new total; rejects soon if it cannot. */
export interface SharedCounter {
  add(key: string, windowStartMs: number, windowMs: number, n: number): Promise<number>
}

export interface LimitsOptions {
  readonly clock: Clock
  readonly log: Logger
  /** False: counts and tells, never refuses. */
  readonly enforced: boolean
  readonly shared?: SharedCounter
  readonly budgets?: Readonly<Record<LimitClass, readonly Budget[]>>
}

export interface Verdict {
  readonly allowed: boolean
  readonly headers: Readonly<Record<string, string>>
}

export interface Limits {
  /** Counts one request of a caller. Synchronous: never waits for the shared counter. */
  check(caller: string, limitClass: LimitClass): Verdict
  stop(): void
}

/** How long a server may be behind the others: what callers can overshoot by lies in this time. */
const reconcileMs = 250

/**
 * Fixed windows, aligned to the clock. With a shared counter each server counts by itself and
 * adds its counts up with the others in the background, so a caller can overshoot by what it sends
 * to several servers within `reconcileMs`. When the shared counter is gone, local counts go on.
 */
export const createLimits = (options: LimitsOptions): Limits => {
  const { clock, log, enforced, shared, budgets = defaultBudgets } = options
  const sharing = shared !== undefined
  const classes = Object.fromEntries(
    limitClasses.map((name) => [name, createCounters(name, budgets[name], sharing)]),
  ) as Readonly<Record<LimitClass, ReturnType<typeof createCounters>>>
  let timer: Timer | undefined
  let reconciling = false
  let reachable = true

  const reconcile = async (counter: SharedCounter): Promise<void> => {
    if (reconciling) return
    reconciling = true
    try {
      await Promise.all(Object.values(classes).map((counters) => counters.reconcile(counter)))
      if (!reachable) log.info('Rate limits are shared between servers again')
      reachable = true
    } catch (error) {
      if (reachable) log.warn('Rate limits are counted by each server alone', { error })
      reachable = false
    } finally {
      reconciling = false
    }
  }
  if (shared) timer = clock.every(reconcileMs, () => void reconcile(shared))

  return {
    check(caller, limitClass) {
      const now = clock.now()
      const counts = classes[limitClass].countsOf(caller, now)
      const full = enforced ? counts.filter((count) => count.used() >= count.limit) : []
      if (full.length > 0) return refusal(latest(full), now)
      for (const count of counts) count.add()
      return { allowed: true, headers: standing(tightest(counts)) }
    },
    stop: () => timer?.cancel(),
  }
}

const latest = (counts: readonly Count[]): Count =>
  counts.reduce((a, b) => (b.resetMs > a.resetMs ? b : a))

const tightest = (counts: readonly Count[]): Count =>
  counts.reduce((a, b) => (b.limit - b.used() < a.limit - a.used() ? b : a))

const standing = (count: Count): Record<string, string> => ({
  'X-RateLimit-Limit': String(count.limit),
  'X-RateLimit-Remaining': String(Math.max(0, count.limit - count.used())),
  'X-RateLimit-Reset': String(Math.ceil(count.resetMs / 1000)),
})

const refusal = (count: Count, now: number): Verdict => ({
  allowed: false,
  headers: {
    ...standing(count),
    'Retry-After': String(Math.max(1, Math.ceil((count.resetMs - now) / 1000))),
  },
})
