/** Keeps long work from holding up requests: it steps aside when its turn was long. */

export interface Pace {
  /** Resolves at once, or, when the turn is used up, after everybody else had theirs. */
  turn(): Promise<void> | undefined
}

/** `turnMs` is what a request may have to wait for this work, on top of everything else. */
export const pace = (turnMs = 8): Pace => {
  let began = performance.now()
  return {
    turn() {
      if (performance.now() - began < turnMs) return undefined
      return new Promise((resolve) =>
        setImmediate(() => {
          began = performance.now()
          resolve()
        }),
      )
    },
  }
}

/** Calls `work` for 0, 1, ... `count - 1`, stepping aside on the way. */
export const paced = async (count: number, work: (i: number) => void): Promise<void> => {
  const steps = pace()
  for (let start = 0; start < count; start += 2048) {
    const end = Math.min(count, start + 2048)
    for (let i = start; i < end; i++) work(i)
    await steps.turn()
  }
}
