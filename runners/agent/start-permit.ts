/** The server's leave to start an attempt, and the secrets that come with it: in memory only. */
import { GoneError, UnreachableError } from './answers.ts'
import { readStarting, type StoredAttempt } from './attempt-store.ts'
import type { Wire } from './wire.ts'

export class StartPermit {
  readonly #wire: Wire
  readonly #stored: StoredAttempt
  #secrets: Readonly<Record<string, string>> | null = null

  constructor(wire: Wire, stored: StoredAttempt) {
    this.#wire = wire
    this.#stored = stored
  }

  /** Nothing is spawned before the server agreed. */
  async ask(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    this.#secrets = await this.#wire.start(this.#stored, signal)
    return this.#secrets
  }

  /** What must not be seen. A restarted agent asks again, if there is anything to hide. */
  async secrets(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    if (this.#secrets) return this.#secrets
    const { secretNames = [] } = (await readStarting(this.#stored.path)) ?? {}
    if (secretNames.length === 0) return {}
    try {
      return await this.ask(signal)
    } catch (error) {
      // A job that was lost while this agent was away is found again by the next sync: only that
      // one decides whether what runs here is to be dropped.
      if (error instanceof GoneError) throw new UnreachableError(error.message)
      throw error
    }
  }
}
