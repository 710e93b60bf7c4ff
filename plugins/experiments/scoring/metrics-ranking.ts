/** Metrics of order within a query: each query counts the same. */
import type { Aligned } from './aligned.ts'

/** Relevances of one query, best predicted first; `scores` beside them. */
interface Ranked {
  readonly relevance: Float64Array
  readonly scores: Float64Array
}

const queriesOf = ({ truth, predicted, groups }: Aligned): Ranked[] => {
  const rows = new Map<number, number[]>()
  for (let i = 0; i < truth.length; i++) {
    const group = groups?.[i] ?? 0
    const known = rows.get(group)
    if (known) known.push(i)
    else rows.set(group, [i])
  }
  return [...rows.values()].map((indices) => {
    // Rows with equal scores stay as they came: by chance.
    indices.sort((a, b) => predicted[b]! - predicted[a]!)
    return {
      relevance: Float64Array.from(indices, (i) => truth[i]!),
      scores: Float64Array.from(indices, (i) => predicted[i]!),
    }
  })
}

const meanOver =
  (of: (query: Ranked) => number) =>
  (rows: Aligned): number => {
    const queries = queriesOf(rows)
    return queries.reduce((sum, query) => sum + of(query), 0) / queries.length
  }

const discountAt = (rank: number): number => 1 / Math.log2(rank + 2)

/** Gain of the first `k`; rows with equal scores share their places evenly. */
const gain = ({ relevance, scores }: Ranked, k: number): number => {
  let sum = 0
  for (let start = 0; start < scores.length && start < k;) {
    let end = start
    let relevant = 0
    while (end < scores.length && scores[end] === scores[start]) relevant += relevance[end++]!
    let discounts = 0
    for (let rank = start; rank < end && rank < k; rank++) discounts += discountAt(rank)
    sum += (relevant / (end - start)) * discounts
    start = end
  }
  return sum
}

/** Of the best order there could be; 0 for a query without anything relevant. */
export const ndcg = (k = Number.POSITIVE_INFINITY) =>
  meanOver((query) => {
    const best = query.relevance.toSorted().reverse()
    const ideal = gain({ relevance: best, scores: best }, k)
    return ideal === 0 ? 0 : gain(query, k) / ideal
  })

/** Mean precision at each relevant row of the first `k`. */
export const meanAveragePrecision = (k = Number.POSITIVE_INFINITY) =>
  meanOver(({ relevance }) => {
    let found = 0
    let sum = 0
    let relevant = 0
    for (let rank = 0; rank < relevance.length; rank++) {
      if (relevance[rank]! <= 0) continue
      relevant++
      if (rank >= k) continue
      found++
      sum += found / (rank + 1)
    }
    return relevant === 0 ? 0 : sum / Math.min(relevant, k)
  })

/** One by the place of the first relevant row. */
export const reciprocalRank = () =>
  meanOver(({ relevance }) => {
    const first = relevance.findIndex((value) => value > 0)
    return first < 0 ? 0 : 1 / (first + 1)
  })

/** Share of queries with something relevant among the first `k`. */
export const hit = (k: number) =>
  meanOver(({ relevance }) => (relevance.subarray(0, k).some((value) => value > 0) ? 1 : 0))
