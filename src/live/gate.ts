/** Lets only so many pieces of work run at once; the others wait in line. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

export const createGate = (maxRunning: number): Gate => {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= maxRunning) {
      // Whoever leaves hands over its place, so `running` stays as it is.
      await new Promise<void>((enter) => waiting.push(enter))
    } else {
      running++
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
