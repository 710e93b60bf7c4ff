/** What is known about a set of points without reading them: of a chunk, a series, a bucket. */

/**
 * Places in a packed summary: a run of doubles, so that thousands of them are one typed array and
 * one blob, and NaN and the infinities survive databases that know neither.
 */
export const At = {
  count: 0,
  /** Points with a finite value; `mean`, `min` and `max` are over these. */
  finite: 1,
  mean: 2,
  min: 3,
  max: 4,
  /** Bits: 1 NaN, 2 +Infinity, 4 -Infinity. */
  nonFinite: 5,
  minId: 6,
  maxId: 7,
  minStep: 8,
  maxStep: 9,
  minTime: 10,
  maxTime: 11,
  /** The point with the highest (time, id). */
  latestId: 12,
  latestStep: 13,
  latestValue: 14,
  /** The point with the highest (step, time, id). */
  lastTime: 15,
  lastId: 16,
  lastValue: 17,
} as const

export const SUMMARY_LENGTH = 18

export type Summary = Float64Array

const EMPTY = new Float64Array(SUMMARY_LENGTH)
for (const at of [At.min, At.minId, At.minStep, At.minTime]) EMPTY[at] = Infinity
for (const at of [At.max, At.maxId, At.maxStep, At.maxTime, At.lastTime, At.latestId, At.lastId]) {
  EMPTY[at] = -Infinity
}

export const emptySummary = (): Summary => EMPTY.slice()

export const nonFiniteBit = (value: number): number => (value !== value ? 1 : value > 0 ? 2 : 4)

const addValue = (s: Summary, value: number): void => {
  if (value - value !== 0) {
    s[At.nonFinite] = (s[At.nonFinite] as number) | nonFiniteBit(value)
    return
  }
  const finite = (s[At.finite] as number) + 1
  const mean = s[At.mean] as number
  const delta = value - mean
  s[At.finite] = finite
  // The difference of two huge values can overflow where their mean does not.
  s[At.mean] =
    delta - delta === 0 ? mean + delta / finite : mean * ((finite - 1) / finite) + value / finite
  if (value < (s[At.min] as number)) s[At.min] = value
  if (value > (s[At.max] as number)) s[At.max] = value
}

/** Counts one point in. */
export const addPoint = (
  s: Summary,
  id: number,
  step: number,
  time: number,
  value: number,
): void => {
  s[At.count] = (s[At.count] as number) + 1
  addValue(s, value)
  const maxTime = s[At.maxTime] as number
  if (time > maxTime || (time === maxTime && id > (s[At.latestId] as number))) {
    s[At.maxTime] = time
    s[At.latestId] = id
    s[At.latestStep] = step
    s[At.latestValue] = value
  }
  const maxStep = s[At.maxStep] as number
  if (step > maxStep || (step === maxStep && isLater(s, time, id))) {
    s[At.maxStep] = step
    s[At.lastTime] = time
    s[At.lastId] = id
    s[At.lastValue] = value
  }
  if (step < (s[At.minStep] as number)) s[At.minStep] = step
  if (time < (s[At.minTime] as number)) s[At.minTime] = time
  if (id < (s[At.minId] as number)) s[At.minId] = id
  if (id > (s[At.maxId] as number)) s[At.maxId] = id
}

const isLater = (s: Summary, time: number, id: number): boolean => {
  const lastTime = s[At.lastTime] as number
  return time > lastTime || (time === lastTime && id > (s[At.lastId] as number))
}

const mergeValues = (s: Summary, from: Float64Array, at: number): void => {
  s[At.nonFinite] = (s[At.nonFinite] as number) | (from[at + At.nonFinite] as number)
  const theirs = from[at + At.finite] as number
  if (theirs === 0) return
  const finite = (s[At.finite] as number) + theirs
  const mean = from[at + At.mean] as number
  s[At.mean] = (s[At.mean] as number) * (1 - theirs / finite) + mean * (theirs / finite)
  s[At.finite] = finite
  s[At.min] = Math.min(s[At.min] as number, from[at + At.min] as number)
  s[At.max] = Math.max(s[At.max] as number, from[at + At.max] as number)
}

/** Counts in all points that the summary at `from[at..]` stands for. */
export const mergeSummary = (s: Summary, from: Float64Array, at = 0): void => {
  const count = from[at + At.count] as number
  if (count === 0) return
  const get = (place: number): number => from[at + place] as number
  s[At.count] = (s[At.count] as number) + count
  mergeValues(s, from, at)
  const maxTime = s[At.maxTime] as number
  const time = get(At.maxTime)
  if (time > maxTime || (time === maxTime && get(At.latestId) > (s[At.latestId] as number))) {
    for (const place of [At.maxTime, At.latestId, At.latestStep, At.latestValue]) {
      s[place] = get(place)
    }
  }
  const maxStep = s[At.maxStep] as number
  const step = get(At.maxStep)
  if (step > maxStep || (step === maxStep && isLater(s, get(At.lastTime), get(At.lastId)))) {
    for (const place of [At.maxStep, At.lastTime, At.lastId, At.lastValue]) s[place] = get(place)
  }
  for (const place of [At.minId, At.minStep, At.minTime]) {
    s[place] = Math.min(s[place] as number, get(place))
  }
  s[At.maxId] = Math.max(s[At.maxId] as number, get(At.maxId))
}

const packing = new Float64Array(SUMMARY_LENGTH)
const packed = new Uint8Array(packing.buffer)

/** A copy: the small arrays of numbers stay as the engine likes them, without a buffer. */
export const summaryBytes = (s: Summary): Uint8Array => {
  packing.set(s)
  return packed.slice()
}

/** Reads packed summaries from a blob of any alignment. */
export const summaryFrom = (bytes: Uint8Array): Summary => {
  const s = new Float64Array(bytes.byteLength / 8)
  new Uint8Array(s.buffer).set(bytes)
  return s
}
