/** Joins calls of one moment into one call for all of them: one statement instead of many. */

const maxAtOnce = 200

/** Collects arguments until the current turn is over, then runs once for all of them. */
export const gather = <A, R>(run: (all: readonly A[]) => Promise<R>): ((one: A) => Promise<R>) => {
  let open: { all: A[]; result: Promise<R> } | undefined
  return (one) => {
    if (!open || open.all.length === maxAtOnce) {
      const all: A[] = []
      const result = Promise.resolve().then(() => {
        if (open?.all === all) open = undefined
        return run(all)
      })
      open = { all, result }
    }
    open.all.push(one)
    return open.result
  }
}
