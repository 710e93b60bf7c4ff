/** Lets one at a time through, in order of arrival. */
export class Mutex {
  #held = false
  readonly #waiting: (() => void)[] = []

  /** Undefined when the lock was free and is now held: the common case costs no turn. */
  acquire(): Promise<void> | undefined {
    if (!this.#held) {
      this.#held = true
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#held = false
  }
}
