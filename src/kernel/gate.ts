/** Lets only so many pieces of work run at once; the others wait in line, up to a bound. */
import { HearthError } from './errors.ts'

export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** @throws HearthError `unavailable` when the line is full */
export const createGate = (maxRunning: number, maxWaiting = Number.POSITIVE_INFINITY): Gate => {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= maxRunning) {
      if (waiting.length >= maxWaiting) {
        throw new HearthError('unavailable', 'Too much of this at once; try again in a moment', {
          headers: { 'Retry-After': '2' },
        })
      }
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
