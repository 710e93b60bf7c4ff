/** How long something has lasted, whatever is done to the clock of the host meanwhile. */
import type { Clock } from '../kernel/clock.ts'

export interface Stopwatch {
  /** Milliseconds since it was made; never more than really passed. */
  elapsedMs(): number
  stop(): void
}

const tickMs = 500

/** A step may be late, but a clock set forward must not count: at most this much a step. */
const maxStepMs = 2 * tickMs

/**
 * Sums up small steps: a clock set forward by a day adds no more than one step, one set back
 * nothing. It lags behind when the process was stopped, which makes leases last longer, never
 * shorter.
 */
export const createStopwatch = (clock: Clock, onTick: () => void = () => {}): Stopwatch => {
  let last = clock.now()
  let elapsed = 0
  const timer = clock.every(tickMs, () => {
    const now = clock.now()
    elapsed += Math.min(Math.max(now - last, 0), maxStepMs)
    last = now
    onTick()
  })
  return { elapsedMs: () => elapsed, stop: () => timer.cancel() }
}
