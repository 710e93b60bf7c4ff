/** Notices a connection that has died without a word: nothing comes from it any more. */
import type { Clock, Timer } from '../../src/sdk.ts'

export class Silence {
  /** Aborts with the caller's signal, or when nothing came for `maxMs`. */
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #maxMs: number
  readonly #over = new AbortController()
  #timer: Timer | null = null

  constructor(clock: Clock, maxMs: number, signal?: AbortSignal) {
    this.#clock = clock
    this.#maxMs = maxMs
    this.signal = signal ? AbortSignal.any([signal, this.#over.signal]) : this.#over.signal
    this.broken()
  }

  /** Something came. */
  broken(): void {
    this.end()
    this.#timer = this.#clock.after(this.#maxMs, () =>
      this.#over.abort(new DOMException(`Nothing came for ${this.#maxMs} ms`, 'TimeoutError')),
    )
  }

  end(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  async *watch(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of bytes) {
        this.broken()
        yield chunk
      }
    } finally {
      this.end()
    }
  }
}
