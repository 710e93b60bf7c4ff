/** Waiting on a clock that a test may own, and giving up early. */
import type { Clock } from '../../src/sdk.ts'

/** Resolves after `delayMs`, or as soon as `signal` aborts. Never rejects. */
export const pause = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.after(delayMs, done)
    signal?.addEventListener('abort', done, { once: true })
  })

/** Runs `work` with a signal that aborts with `signal`, or by itself after `timeoutMs`. */
export const within = async <T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const own = new AbortController()
  const abort = () => own.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  const timer = clock.after(timeoutMs, () =>
    own.abort(new DOMException(`No answer within ${timeoutMs} ms`, 'TimeoutError')),
  )
  try {
    return await work(own.signal)
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', abort)
  }
}

/** Waits longer after each failure in a row, a random part of it, so that many do not march. */
export class Backoff {
  #failures = 0
  readonly #baseMs: number
  readonly #maxMs: number
  readonly #random: () => number
  constructor(random: () => number, baseMs = 200, maxMs = 15_000) {
    this.#random = random
    this.#baseMs = baseMs
    this.#maxMs = maxMs
  }
  get failures(): number {
    return this.#failures
  }
  succeeded(): void {
    this.#failures = 0
  }
  /** How long to wait after one more failure. */
  failedMs(): number {
    const ceilingMs = Math.min(this.#maxMs, this.#baseMs * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 30)
    return ceilingMs / 2 + (this.#random() * ceilingMs) / 2
  }
}
