/** Remembers verified tokens, so that a request with a known one costs a look into a map. */
import type { Who } from './who.ts'

export interface Recognized {
  readonly who: Who
  /** Infinity for keys that never expire. */
  readonly expiresAt: number
  /** Set for API keys. */
  readonly keyId: number | null
  /** When the key's last use was written down. */
  lastUsedAt: number
}

/**
 * Bounded by two generations: what is not asked for while the young one fills up is forgotten.
 * A token enters only if nothing was forgotten on purpose since its verification began.
 */
export class TokenCache {
  readonly #maxPerGeneration: number
  #young = new Map<string, Recognized>()
  #old = new Map<string, Recognized>()
  #epoch = 0

  constructor(maxTokens: number) {
    this.#maxPerGeneration = Math.ceil(maxTokens / 2)
  }

  /** Names the present: hand it to `set` to say when the verification began. */
  get epoch(): number {
    return this.#epoch
  }

  get(token: string): Recognized | undefined {
    const current = this.#young.get(token)
    if (current) return current
    const aged = this.#old.get(token)
    if (aged) this.#add(token, aged)
    return aged
  }

  set(token: string, recognized: Recognized, epoch: number): void {
    if (epoch === this.#epoch) this.#add(token, recognized)
  }

  clear(): void {
    this.#epoch++
    this.#young = new Map()
    this.#old = new Map()
  }

  #add(token: string, recognized: Recognized): void {
    if (this.#young.size >= this.#maxPerGeneration) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(token, recognized)
  }
}
