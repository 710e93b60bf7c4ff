/** Ends a long poll early when the node has something to say, but not for every little thing. */
import type { Clock, Timer } from '../../src/sdk.ts'
import { pause } from './pause.ts'

/** A burst of changes costs one request. */
const minPollMs = 20

export interface Poll {
  readonly signal: AbortSignal
  isWoken(): boolean
  end(): void
}

export class WakeUp {
  readonly #clock: Clock
  #dueAt = Number.POSITIVE_INFINITY
  #timer: Timer | null = null
  #interrupt: (() => void) | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something changed that the server should hear of within `soonMs`. */
  within(soonMs: number): void {
    const dueAt = this.#clock.now() + Math.max(minPollMs, soonMs)
    if (dueAt >= this.#dueAt) return
    this.#dueAt = dueAt
    this.#arm()
  }

  /** All that changed up to here is in the request that is sent now. */
  begin(stopping: AbortSignal): Poll {
    const own = new AbortController()
    let woken = false
    this.#disarm()
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#interrupt = () => {
      woken = true
      own.abort()
    }
    return {
      signal: AbortSignal.any([own.signal, stopping]),
      isWoken: () => woken,
      end: () => {
        this.#disarm()
        this.#interrupt = null
      },
    }
  }

  /** A pause that a change cuts short as well. */
  async rest(delayMs: number, stopping: AbortSignal): Promise<void> {
    const rest = this.begin(stopping)
    await pause(this.#clock, delayMs, rest.signal)
    rest.end()
  }

  #arm(): void {
    this.#timer?.cancel()
    if (!this.#interrupt) return
    this.#timer = this.#clock.after(Math.max(0, this.#dueAt - this.#clock.now()), () =>
      this.#interrupt?.(),
    )
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
