/** Metrics of predicted numbers. */
import type { Aligned, Scored } from './aligned.ts'

const mean = (values: Float64Array): number => {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

const errors = ({ truth, predicted }: Aligned, of: (t: number, p: number) => number) => {
  const out = new Float64Array(truth.length)
  for (let i = 0; i < out.length; i++) out[i] = of(truth[i]!, predicted[i]!)
  return out
}

export const mse = (rows: Aligned): number => mean(errors(rows, (t, p) => (t - p) ** 2))

export const rmse = (rows: Aligned): number => Math.sqrt(mse(rows))

export const mae = (rows: Aligned): number => mean(errors(rows, (t, p) => Math.abs(t - p)))

/** As a share, not in percent. Targets of 0 count with the smallest number instead. */
export const mape = (rows: Aligned): number =>
  mean(errors(rows, (t, p) => Math.abs(t - p) / Math.max(Math.abs(t), 2 ** -52)))

export const smape = (rows: Aligned): number =>
  mean(errors(rows, (t, p) => (t === p ? 0 : (2 * Math.abs(t - p)) / (Math.abs(t) + Math.abs(p)))))

export const rmsle = (rows: Aligned): Scored => {
  if (rows.truth.some((value) => value <= -1)) return 'the target has values of -1 or less'
  if (rows.predicted.some((value) => value <= -1)) return 'there are predictions of -1 or less'
  return Math.sqrt(mean(errors(rows, (t, p) => (Math.log1p(t) - Math.log1p(p)) ** 2)))
}

const median = (values: Float64Array): number => {
  const sorted = values.toSorted()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const medianAbsoluteError = (rows: Aligned): number =>
  median(errors(rows, (t, p) => Math.abs(t - p)))

export const maxError = (rows: Aligned): number =>
  errors(rows, (t, p) => Math.abs(t - p)).reduce((a, b) => Math.max(a, b), 0)

const spread = (values: Float64Array): number => {
  const centre = mean(values)
  let sum = 0
  for (const value of values) sum += (value - centre) ** 2
  return sum
}

/** 1 - unexplained / total; a target that never changes is explained wholly or not at all. */
const explained = (unexplained: number, total: number): number =>
  total === 0 ? (unexplained === 0 ? 1 : 0) : 1 - unexplained / total

export const r2 = (rows: Aligned): Scored => {
  if (rows.truth.length < 2) return 'r2 needs two rows'
  return explained(mse(rows) * rows.truth.length, spread(rows.truth))
}

export const explainedVariance = (rows: Aligned): number =>
  explained(spread(errors(rows, (t, p) => t - p)), spread(rows.truth))

const correlation = (a: Float64Array, b: Float64Array): Scored => {
  const meanA = mean(a)
  const meanB = mean(b)
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    const da = a[i]! - meanA
    const db = b[i]! - meanB
    ab += da * db
    aa += da * da
    bb += db * db
  }
  if (aa === 0) return 'the target is constant'
  if (bb === 0) return 'the predictions are constant'
  return Math.max(-1, Math.min(1, ab / Math.sqrt(aa) / Math.sqrt(bb)))
}

export const pearson = ({ truth, predicted }: Aligned): Scored => correlation(truth, predicted)

export const spearman = ({ truth, predicted }: Aligned): Scored =>
  correlation(ranks(truth), ranks(predicted))

/** From 1; equal values share the mean of their ranks. */
export const ranks = (values: Float64Array): Float64Array => {
  const sorted = values.toSorted()
  const rankOf = new Map<number, number>()
  for (let i = 0; i < sorted.length;) {
    let end = i
    while (end < sorted.length && sorted[end] === sorted[i]) end++
    rankOf.set(sorted[i]!, (i + 1 + end) / 2)
    i = end
  }
  return values.map((value) => rankOf.get(value)!)
}
