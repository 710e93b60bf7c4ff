/** Metrics of predicted probabilities: of order, and of how far they are off. */
import type { Aligned, Scored } from './aligned.ts'

interface Sides {
  /** Scores of the rows that are of the class, and of the others; both ascending. */
  readonly positives: Float64Array
  readonly negatives: Float64Array
}

const sidesOf = ({ truth, predicted, classes }: Aligned, positive: number): Sides => {
  let count = 0
  for (const t of truth) if (t === positive) count++
  const positives = new Float64Array(count)
  const negatives = new Float64Array(truth.length - count)
  let p = 0
  let n = 0
  for (let i = 0; i < truth.length; i++) {
    const score = predicted[i * classes + positive]!
    if (truth[i] === positive) positives[p++] = score
    else negatives[n++] = score
  }
  // Typed arrays are sorted by their numbers, without calling back.
  return { positives: positives.sort(), negatives: negatives.sort() }
}

/** Share of pairs in the right order; a tie is half right. */
const area = ({ positives, negatives }: Sides): number => {
  let below = 0
  let notAbove = 0
  let sum = 0
  for (const score of positives) {
    while (below < negatives.length && negatives[below]! < score) below++
    while (notAbove < negatives.length && negatives[notAbove]! <= score) notAbove++
    sum += (below + notAbove) / 2
  }
  return sum / positives.length / negatives.length
}

/** Precision at each threshold, weighed by the recall that it gains. */
const precisionArea = ({ positives, negatives }: Sides): number => {
  let sum = 0
  let p = positives.length
  let n = negatives.length
  while (p > 0) {
    const threshold = positives[p - 1]!
    const before = p
    while (p > 0 && positives[p - 1] === threshold) p--
    while (n > 0 && negatives[n - 1]! >= threshold) n--
    const found = positives.length - p
    sum += ((before - p) * found) / (found + negatives.length - n)
  }
  return sum / positives.length
}

/** Of the second of two classes; of three or more, the mean of each class against the rest. */
const oneAgainstRest =
  (of: (sides: Sides) => number) =>
  (rows: Aligned): Scored => {
    let sum = 0
    let met = 0
    for (let c = rows.classes === 2 ? 1 : 0; c < rows.classes; c++) {
      const sides = sidesOf(rows, c)
      if (sides.positives.length === 0 || sides.negatives.length === 0) continue
      sum += of(sides)
      met++
    }
    return met === 0 ? 'all rows are of one class' : sum / met
  }

export const rocAuc = oneAgainstRest(area)
export const averagePrecision = oneAgainstRest(precisionArea)

const epsilon = 2 ** -52

export const logLoss = ({ truth, predicted, classes }: Aligned): number => {
  let sum = 0
  for (let i = 0; i < truth.length; i++) {
    const probability = predicted[i * classes + truth[i]!]!
    sum -= Math.log(Math.min(1 - epsilon, Math.max(epsilon, probability)))
  }
  return sum / truth.length
}

/** Of two classes half the sum over both, as is the custom: the square of what is missing to 1. */
export const brier = ({ truth, predicted, classes }: Aligned): number => {
  let sum = 0
  for (let i = 0; i < truth.length; i++) {
    for (let c = 0; c < classes; c++) {
      sum += (predicted[i * classes + c]! - (truth[i] === c ? 1 : 0)) ** 2
    }
  }
  return sum / truth.length / (classes === 2 ? 2 : 1)
}
