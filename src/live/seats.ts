/** How many connections each caller has on what is limited: counted from before they open. */
import { HearthError } from '../kernel/errors.ts'

export class Seats {
  readonly #taken = new Map<string, number>()

  /**
   * Takes a seat; the answer gives it back, once.
   * @throws HearthError `rate_limited` when all are taken
   */
  take(key: string, max: number): () => void {
    const taken = this.#taken.get(key) ?? 0
    if (taken >= max) {
      throw new HearthError('rate_limited', `At most ${max} connections may be open at once`)
    }
    this.#taken.set(key, taken + 1)
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const left = (this.#taken.get(key) ?? 1) - 1
      if (left === 0) this.#taken.delete(key)
      else this.#taken.set(key, left)
    }
  }
}
