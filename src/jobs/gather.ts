/** Joins calls of one moment into one call for all of them: one statement instead of many. */

const maxAtOnce = 200

/** What is ready to run has run then, the input that has come was read. */
export const turnOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What was called side by side: enough within a transaction. */
export const sideBySide = (): Promise<void> => Promise.resolve()

/** Collects arguments until `until` resolves, then runs once for all of them. */
export const gather = <A, R>(
  run: (all: readonly A[]) => Promise<R>,
  until: () => Promise<void> = sideBySide,
): ((one: A) => Promise<R>) => {
  let open: { all: A[]; result: Promise<R> } | undefined
  return (one) => {
    if (!open || open.all.length === maxAtOnce) {
      const all: A[] = []
      const result = until().then(() => {
        if (open?.all === all) open = undefined
        return run(all)
      })
      open = { all, result }
    }
    open.all.push(one)
    return open.result
  }
}
