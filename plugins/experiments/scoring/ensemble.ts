/** Blends the predictions of several programs by greedy selection, without running any of them. */
import { pace } from '../data/pace.ts'
import { type Aligned, take } from './aligned.ts'
import { type MetricName, metricOf, scoreOf } from './metrics.ts'
import { ranks } from './metrics-regression.ts'
import { rowsOfPart, type Truth } from './truth.ts'

export interface Member {
  readonly node: string
  /** Of all rows to predict, as `Predictions.all.predicted` has them. */
  readonly predicted: Float64Array
}

export interface Ensemble {
  /** They sum to 1; the heaviest first. */
  readonly weights: readonly { readonly node: string; readonly weight: number }[]
  /** Like a member's. */
  readonly predicted: Float64Array
  readonly metric: number
  readonly selectionMetric: number
  /** The best that any member has on the selection part. */
  readonly bestMember: number
  /** Better on the selection part than every member: worth keeping. */
  readonly isBetter: boolean
}

const maxRounds = 50
/** Members beyond the best so many on the search part are not tried. */
const maxMembers = 25
/** Rows that decide on the weights; their order is by chance, so the first are as good as any. */
const maxRows = 10_000

/**
 * Begins with the member that is best on the search part, and adds again and again the one that
 * helps the blend most, with repetition (Caruana and others, 2004). null: nothing can be blended.
 */
export const selectEnsemble = async (
  metric: MetricName,
  truth: Truth,
  classes: number,
  given: readonly Member[],
): Promise<Ensemble | null> => {
  const blender = blenderFor(metric, truth, classes)
  const isBetter = (a: number, b: number) => (metricOf(metric).maximize ? a > b : a < b)
  const parts = [rowsOfPart(truth, 0), rowsOfPart(truth, 1)]
  const searchRows = parts[0]!.subarray(0, maxRows)
  const scoreOn = (rows: Int32Array, predicted: Float64Array): number | null => {
    const all: Aligned = { truth: truth.target, predicted, classes, groups: truth.groups }
    const score = scoreOf(metric, take(all, rows))
    return typeof score === 'number' ? score : null
  }
  const members = given
    .flatMap(({ node, predicted }) => {
      const search = scoreOn(searchRows, predicted)
      const selection = scoreOn(parts[1]!, predicted)
      return search === null || selection === null ? [] : [{ node, predicted, search, selection }]
    })
    .sort((a, b) => (a.search === b.search ? 0 : isBetter(a.search, b.search) ? -1 : 1))
    .slice(0, maxMembers)
    .map((member) => ({ ...member, votes: blender.votes(member.predicted) }))
  if (members.length < 2) return null

  const steps = pace()
  const sum = members[0]!.votes.slice()
  let chosen = [0]
  let best = { chosen, score: members[0]!.search }
  for (let round = 1; round < maxRounds; round++) {
    let next: { index: number; score: number } | null = null
    for (let index = 0; index < members.length; index++) {
      const predicted = blender.blend(sum, members[index]!.votes, chosen.length + 1, searchRows)
      const score = scoreOf(metric, predicted)
      if (typeof score === 'number' && (next === null || isBetter(score, next.score))) {
        next = { index, score }
      }
      await steps.turn()
    }
    if (next === null) break
    chosen = [...chosen, next.index]
    const { votes } = members[next.index]!
    for (let i = 0; i < sum.length; i++) sum[i]! += votes[i]!
    if (isBetter(next.score, best.score)) best = { chosen, score: next.score }
    // Ten rounds without a gain: the blend goes round in circles.
    if (chosen.length - best.chosen.length >= 10) break
  }

  const total = new Float64Array(sum.length)
  for (const index of best.chosen) {
    const { votes } = members[index]!
    for (let i = 0; i < total.length; i++) total[i]! += votes[i]! / best.chosen.length
  }
  const predicted = blender.predictions(total)
  const selectionMetric = scoreOn(parts[1]!, predicted)
  const searchMetric = scoreOn(parts[0]!, predicted)
  if (selectionMetric === null || searchMetric === null) return null
  const bestMember = members
    .map(({ selection }) => selection)
    .reduce((a, b) => (isBetter(b, a) ? b : a))
  return {
    weights: weightsOf(best.chosen).map(({ index, weight }) => ({
      node: members[index]!.node,
      weight,
    })),
    predicted,
    metric: searchMetric,
    selectionMetric,
    bestMember,
    isBetter: isBetter(selectionMetric, bestMember),
  }
}

const weightsOf = (chosen: readonly number[]): { index: number; weight: number }[] =>
  [...new Set(chosen)]
    .map((index) => ({
      index,
      weight: chosen.filter((one) => one === index).length / chosen.length,
    }))
    .sort((a, b) => b.weight - a.weight)

interface Blender {
  /** What of a member is averaged. */
  votes(predicted: Float64Array): Float64Array
  /** The mean of `count` members, of which all but `last` are in `sum`, at some rows. */
  blend(sum: Float64Array, last: Float64Array, count: number, rows: Int32Array): Aligned
  /** Averaged votes as predictions again. */
  predictions(votes: Float64Array): Float64Array
}

const blenderFor = (metric: MetricName, truth: Truth, classes: number): Blender => {
  const { needs, isOfOrder } = metricOf(metric)
  const rows = truth.ids.length
  const width = needs === 'value' ? 1 : classes
  const labels = needs === 'label'

  const votes = (predicted: Float64Array): Float64Array => {
    if (labels) {
      const out = new Float64Array(rows * width)
      predicted.forEach((label, row) => (out[row * width + label]! += 1))
      return out
    }
    // Where only the order counts, scores of different scales are averaged by their ranks.
    const areShares = predicted.every((value) => value >= 0 && value <= 1)
    return isOfOrder === true && !areShares ? ranked(predicted, width) : predicted
  }

  const predictions = (blended: Float64Array): Float64Array =>
    labels ? strongest(blended, width) : blended

  return {
    votes,
    predictions,
    blend(sum, last, count, chosen) {
      const out = new Float64Array(chosen.length * width)
      chosen.forEach((row, i) => {
        for (let c = 0; c < width; c++) {
          const at = row * width + c
          out[i * width + c] = (sum[at]! + last[at]!) / count
        }
      })
      return {
        truth: Float64Array.from(chosen, (row) => truth.target[row]!),
        predicted: predictions(out),
        classes,
        groups: truth.groups ? Int32Array.from(chosen, (row) => truth.groups![row]!) : null,
      }
    },
  }
}

/** Each column as ranks between 0 and 1. */
const ranked = (values: Float64Array, width: number): Float64Array => {
  const rows = values.length / width
  const out = new Float64Array(values.length)
  for (let c = 0; c < width; c++) {
    const column = Float64Array.from({ length: rows }, (_, row) => values[row * width + c]!)
    ranks(column).forEach((rank, row) => (out[row * width + c] = (rank - 0.5) / rows))
  }
  return out
}

/** The class with the most votes of each row; of several the first. */
const strongest = (votes: Float64Array, width: number): Float64Array =>
  Float64Array.from({ length: votes.length / width }, (_, row) => {
    let best = 0
    for (let c = 1; c < width; c++) {
      if (votes[row * width + c]! > votes[row * width + best]! + 1e-12) best = c
    }
    return best
  })
