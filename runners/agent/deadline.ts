/**
 * The dead-man's switch of an attempt: a cut-off on the host's own clock that moves on with every
 * answer of the server. It counts from when the question was sent, so that it is always over before
 * the server, which counts from when the question came, gives the job to another node.
 */
import { readDeadline, type StoredAttempt, writeDeadline } from './attempt-store.ts'

export class Deadline {
  readonly #stored: StoredAttempt
  readonly #monotonicMs: () => number
  #sentMs = Number.NEGATIVE_INFINITY

  constructor(stored: StoredAttempt, monotonicMs: () => number) {
    this.#stored = stored
    this.#monotonicMs = monotonicMs
  }

  /** Answers may come out of order: only a later question moves it. */
  async move(sentMs: number): Promise<void> {
    const { path, stopAfterMs } = this.#stored
    if (stopAfterMs === null || sentMs <= this.#sentMs) return
    this.#sentMs = sentMs
    await writeDeadline(path, sentMs + stopAfterMs)
  }

  async isPast(): Promise<boolean> {
    if (this.#stored.stopAfterMs === null) return false
    const deadlineMs = await readDeadline(this.#stored.path)
    return deadlineMs !== null && this.#monotonicMs() > deadlineMs
  }
}
