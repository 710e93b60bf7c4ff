/** Chunks that were read lately, still packed: a chart or page that is asked for again is fast. */
import type { PackedPoints } from './payload.ts'

export class PayloadCache {
  readonly #maxBytes: number
  readonly #chunks = new Map<number, PackedPoints>()
  #sizeBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(firstId: number): PackedPoints | undefined {
    const known = this.#chunks.get(firstId)
    if (!known) return undefined
    this.#chunks.delete(firstId)
    this.#chunks.set(firstId, known)
    return known
  }

  set(firstId: number, chunk: PackedPoints): void {
    this.#remove(firstId)
    this.#chunks.set(firstId, chunk)
    this.#sizeBytes += chunk.sizeBytes
    for (const oldest of this.#chunks.keys()) {
      if (this.#sizeBytes <= this.#maxBytes) return
      this.#remove(oldest)
    }
  }

  #remove(firstId: number): void {
    this.#sizeBytes -= this.#chunks.get(firstId)?.sizeBytes ?? 0
    this.#chunks.delete(firstId)
  }
}
