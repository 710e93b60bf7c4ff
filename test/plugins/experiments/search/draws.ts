/** Random numbers that are known beforehand, and settings for policies. */
import type { Random, SearchSettings } from '../../../../plugins/experiments/search/policy.ts'

export const settings: SearchSettings = { numDrafts: 2, debugProb: 0.5, maxDebugDepth: 3 }

/** Gives these and no more. */
export const drawing = (draws: readonly number[]): Random & { left(): number } => {
  let next = 0
  const random = () => {
    const draw = draws[next++]
    if (draw === undefined) throw new Error(`No draw ${next} was expected`)
    return draw
  }
  return Object.assign(random, { left: () => draws.length - next })
}
