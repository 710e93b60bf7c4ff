/** Tells the points of a group that may be stored already from those that cannot be. */
import { boxOf, Coverage } from './coverage.ts'
import type { Suspects } from './repeats.ts'
import type { AppendInput, SeriesInput } from './store.ts'

/** One call of `append` that waits for its commit. */
export interface Pending {
  readonly input: AppendInput
  readonly points: number
  /** Microseconds since the epoch, given to points that came without a time. */
  readonly arrived: number
  /** Absent only for copies, whose points are new by definition. */
  readonly checkRepeats: boolean
}

/** A series that points go to: one of the run's, or one made by this transaction. */
export interface Target {
  readonly id: number
  coverage: Coverage
}

/** An append that is to be stored, and the series of each of its columns. */
export interface Entry {
  readonly pending: Pending
  readonly targets: readonly (Target | undefined)[]
}

/** Whether each point has a higher step or time than all before it, so that none is twice. */
const isAdvancing = (steps: ArrayLike<number> | undefined, times: ArrayLike<number>): boolean => {
  let maxStep = -Infinity
  let maxTime = -Infinity
  for (let i = 0; i < times.length; i++) {
    const step = steps ? (steps[i] as number) : 0
    const time = times[i] as number
    if (step <= maxStep && time <= maxTime) return false
    if (step > maxStep) maxStep = step
    if (time > maxTime) maxTime = time
  }
  return true
}

/**
 * Where points may be repeats: given a time, and where the series has points already. Adds all
 * points to the coverage of their series; that they may not be committed does no harm.
 */
export const suspectsOf = (entries: readonly Entry[]): Suspects => {
  const suspects = new Map<number, Coverage>()
  for (const { pending, targets } of entries) {
    const { input, arrived, checkRepeats } = pending
    for (let index = 0; index < input.series.length; index++) {
      const target = targets[index]
      const { values, steps, times } = input.series[index] as SeriesInput
      if (!target || values.length === 0) continue
      const { id, coverage } = target
      const box = boxOf(steps, times ?? arrived, values.length)
      if (times && checkRepeats) {
        const mayMeet = coverage.meets(box)
        if (mayMeet || !isAdvancing(steps, times)) {
          let suspect = suspects.get(id)
          if (!suspect) suspects.set(id, (suspect = new Coverage()))
          if (mayMeet) addHeld(suspect, coverage, steps, times)
        }
      }
      coverage.add(box)
    }
  }
  return suspects
}

const addHeld = (
  suspect: Coverage,
  coverage: Coverage,
  steps: ArrayLike<number> | undefined,
  times: ArrayLike<number>,
): void => {
  for (let i = 0; i < times.length; i++) {
    const step = steps ? (steps[i] as number) : 0
    const time = times[i] as number
    if (coverage.holds(step, time)) suspect.addPoint(step, time)
  }
}
