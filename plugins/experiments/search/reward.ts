/** What nodes are worth to a search: scores made comparable, whatever the metric. */
import { isBuggy, isGood } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'

/** A failure is worth less than the worst score. */
export const failureReward = -0.5

/** From 0, the worst score so far, to 1, the best; null for a node that is not done. */
export const rewardsOf = (journal: Journal): ReadonlyMap<string, number | null> => {
  const sign = journal.maximize === false ? -1 : 1
  const values = journal.nodes.filter(isGood).map((node) => sign * metricOf(node))
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return new Map(
    journal.nodes.map((node) => {
      if (isBuggy(node)) return [node.id, failureReward]
      if (!isGood(node)) return [node.id, null]
      return [node.id, high > low ? (sign * metricOf(node) - low) / (high - low) : 0.5]
    }),
  )
}

const metricOf = ({ verdict }: Node): number => verdict?.metric ?? Number.NaN
