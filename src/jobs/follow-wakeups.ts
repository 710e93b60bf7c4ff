/** Wakes those on this server who wait for news of a job. */
import type { Clock } from '../kernel/clock.ts'

/** One wait: what happens after it was made wakes it, also before `wait` is called. */
export interface Wake {
  /** Resolves on news, after `timeoutMs`, or when `signal` is aborted. */
  wait(signal: AbortSignal, timeoutMs: number): Promise<void>
  release(): void
}

export class Wakeups {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(jobId: string): Wake {
    let wake = (): void => undefined
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const set = this.#waiting.get(jobId) ?? new Set()
    this.#waiting.set(jobId, set.add(wake))
    return {
      wait: async (signal, timeoutMs) => {
        if (signal.aborted) return
        const timer = this.#clock.after(timeoutMs, wake)
        signal.addEventListener('abort', wake, { once: true })
        await woken
        signal.removeEventListener('abort', wake)
        timer.cancel()
      },
      release: () => {
        set.delete(wake)
        if (set.size === 0 && this.#waiting.get(jobId) === set) this.#waiting.delete(jobId)
      },
    }
  }

  wake(jobId: string): void {
    const set = this.#waiting.get(jobId)
    if (!set) return
    this.#waiting.delete(jobId)
    for (const wake of set) wake()
  }
}
