/** Statistics of two columns: which values are far off, and how one column goes with the other. */

/** A value is far off when it is so many times the usual distance from the median. */
const farOffTimes = 6

/** The rows whose value is far off (median absolute deviation); null is no value. */
export const farOff = (values: readonly (number | null)[]): readonly number[] => {
  const sorted = new Float64Array(values.length)
  let count = 0
  for (let row = 0; row < values.length; row++) {
    const value = values[row]
    if (value != null) sorted[count++] = value
  }
  const middle = medianOf(sorted, count)
  for (let i = 0; i < count; i++) sorted[i] = Math.abs((sorted[i] as number) - middle)
  const limit = farOffTimes * medianOf(sorted, count)
  const rows: number[] = []
  for (let row = 0; row < values.length; row++) {
    const value = values[row]
    if (value != null && Math.abs(value - middle) > limit) rows.push(row)
  }
  return rows
}

/** Of the first `count`, which it sorts. */
const medianOf = (values: Float64Array, count: number): number => {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number
    let at = i
    for (; at > 0 && (values[at - 1] as number) > value; at--) values[at] = values[at - 1] as number
    values[at] = value
  }
  const half = count >> 1
  const upper = values[half] ?? 0
  return count % 2 === 1 ? upper : (upper + (values[half - 1] ?? 0)) / 2
}

/**
 * Student's t of the correlation; where x is a group of two, it is that of their means (equal
 * variances). Above 0: y grows with x.
 */
export const t = (x: readonly number[], y: readonly number[]): number => {
  const r = correlation(x, y)
  return bounded(r * Math.sqrt((x.length - 2) / Math.max(1e-9, 1 - r * r)))
}

/** The same of ranks, which values far off cannot bend: Spearman's z, or Mann and Whitney's. */
export const rankZ = (x: readonly number[], y: readonly number[]): number =>
  bounded(correlation(ranks(x), ranks(y)) * Math.sqrt(x.length - 1))

/** As it is told: two digits after the point. */
const bounded = (value: number): number =>
  Math.round(100 * Math.min(99, Math.max(-99, value))) / 100 || 0

const correlation = (x: readonly number[], y: readonly number[]): number => {
  const meanX = mean(x)
  const meanY = mean(y)
  let xx = 0
  let yy = 0
  let xy = 0
  for (let i = 0; i < x.length; i++) {
    const a = (x[i] as number) - meanX
    const b = (y[i] as number) - meanY
    xx += a * a
    yy += b * b
    xy += a * b
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy)
}

const mean = (values: readonly number[]): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] as number
  return sum / values.length
}

/** From 1; equals share the mean of their ranks. Tables are small: counting beats sorting. */
export const ranks = (values: readonly number[]): readonly number[] => {
  const { length } = values
  const result = new Array<number>(length)
  for (let i = 0; i < length; i++) {
    const value = values[i] as number
    let twice = 1
    for (let j = 0; j < length; j++) {
      const other = values[j] as number
      if (other < value) twice += 2
      else if (other === value) twice++
    }
    result[i] = twice / 2
  }
  return result
}
