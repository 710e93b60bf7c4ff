/** Statistics of two columns: which values are far off, and how one column goes with the other. */

/** A value is far off when it is so many times the usual distance from the median. */
const farOffTimes = 6

/** The rows whose value is far off (median absolute deviation); null is no value. */
export const farOff = (values: readonly (number | null)[]): readonly number[] => {
  const sorted = present(values).sort()
  const middle = medianOf(sorted)
  const limit = farOffTimes * medianOf(sorted.map((value) => Math.abs(value - middle)).sort())
  const rows: number[] = []
  for (let row = 0; row < values.length; row++) {
    const value = values[row]
    if (value != null && Math.abs(value - middle) > limit) rows.push(row)
  }
  return rows
}

const present = (values: readonly (number | null)[]): Float64Array => {
  const kept = new Float64Array(values.length)
  let count = 0
  for (const value of values) if (value !== null) kept[count++] = value
  return kept.subarray(0, count)
}

const medianOf = (sorted: Float64Array): number => {
  const half = sorted.length >> 1
  const upper = sorted[half] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? 0)) / 2
}

/**
 * Student's t of the correlation; where x is a group of two, it is that of their means (equal
 * variances). Above 0: y grows with x.
 */
export const t = (x: Float64Array, y: Float64Array): number => {
  const r = correlation(x, y)
  return bounded(r * Math.sqrt((x.length - 2) / Math.max(1e-9, 1 - r * r)))
}

/** The same of ranks, which values far off cannot bend: Spearman's z, or Mann and Whitney's. */
export const rankZ = (x: Float64Array, y: Float64Array): number =>
  bounded(correlation(ranks(x), ranks(y)) * Math.sqrt(x.length - 1))

/** As it is told: two digits after the point. */
const bounded = (value: number): number =>
  Math.round(100 * Math.min(99, Math.max(-99, value))) / 100 || 0

const correlation = (x: Float64Array, y: Float64Array): number => {
  const [meanX, meanY] = [mean(x), mean(y)]
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    const a = (x[i] ?? 0) - meanX
    const b = (y[i] ?? 0) - meanY
    xx += a * a
    yy += b * b
    xy += a * b
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy)
}

const mean = (values: Float64Array): number => {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/** From 1; equals share the mean of their ranks. */
export const ranks = (values: Float64Array): Float64Array => {
  const sorted = values.slice().sort()
  return values.map((value) => {
    const first = lowerBound(sorted, value)
    let last = first
    while (sorted[last + 1] === value) last++
    return 1 + (first + last) / 2
  })
}

const lowerBound = (sorted: Float64Array, value: number): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
