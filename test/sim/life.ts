/** A process that can be killed between any two things it does to the world. */

export class Life {
  isOver = false
  /** Ends by itself after so many more acts. */
  actsLeft = Number.POSITIVE_INFINITY
  readonly #over = Promise.withResolvers<void>()

  /** Resolves when it ends. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.#over.resolve()
  }

  /** Whether it may do one more thing. A killed process never learns that it may not. */
  acts(): boolean {
    if (!this.isOver && --this.actsLeft < 0) this.end()
    return !this.isOver
  }
}

export const never = new Promise<never>(() => undefined)

let acts = 0
/** Something happened: whoever waits for calm waits on. */
export const stirred = (): void => {
  acts++
}

const calmTurns = 3

/** Resolves when everything waits for time to pass. */
export const calm = async (): Promise<void> => {
  for (let turns = 0, seen = acts; turns < calmTurns; turns++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (acts === seen) continue
    seen = acts
    turns = -1
  }
}
