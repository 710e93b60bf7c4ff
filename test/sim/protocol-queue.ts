/** Things to come, in order of time; at the same time, in the order they were thought of. */

export class EventQueue {
  nowMs = 0
  readonly #due: { readonly atMs: number; readonly work: () => void }[] = []

  after(delayMs: number, work: () => void): void {
    const atMs = this.nowMs + delayMs
    let low = 0
    let high = this.#due.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#due[middle]?.atMs as number) > atMs) low = middle + 1
      else high = middle
    }
    this.#due.splice(low, 0, { atMs, work })
  }

  /** The next one is the last of the list. False when it lies beyond `endMs`. */
  step(endMs: number): boolean {
    const next = this.#due.at(-1)
    if (!next || next.atMs > endMs) return false
    this.#due.pop()
    this.nowMs = next.atMs
    next.work()
    return true
  }
}
