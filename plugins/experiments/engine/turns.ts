/** Has what concerns one experiment happen one after another: its start, say, and its deletion. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  take<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(id) ?? Promise.resolve()).then(work, work)
    this.#last.set(id, turn)
    const leave = () => {
      if (this.#last.get(id) === turn) this.#last.delete(id)
    }
    turn.then(leave, leave)
    return turn
  }
}
