/** A bell that a loop sleeps by: rung while it is awake, the next sleep ends at once. */
export class Bell {
  #rung = false
  #waiting: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#waiting?.()
  }

  async heard(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
    this.#rung = false
    this.#waiting = undefined
  }
}
