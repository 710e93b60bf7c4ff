/** Time as a dependency, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `work` once, `delayMs` from now. */
  after(delayMs: number, work: () => void): Timer
  /** Calls `work` every `periodMs` until cancelled. */
  every(periodMs: number, work: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, work) {
    const handle = setTimeout(work, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
  every(periodMs, work) {
    const handle = setInterval(work, periodMs)
    return { cancel: () => clearInterval(handle) }
  },
}
