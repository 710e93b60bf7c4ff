/** How sure a score is: the same metric on rows drawn again and again from those there are. */
import { pace } from '../data/pace.ts'
import { type Aligned, take } from './aligned.ts'
import { type MetricName, metrics, scoreOf } from './metrics.ts'
import { seededRandom } from './random.ts'

export type Interval = readonly [number, number]

const maxResamples = 500
const minResamples = 100
const minRows = 300
/** Values in one draw; where there are more, the interval is made narrower to match. */
const maxValues = 20_000

/** 95 % interval of the metric; null when it is undefined for most draws. */
export const bootstrapInterval = async (
  metric: MetricName,
  rows: Aligned,
  seed: number,
): Promise<Interval | null> => {
  const score = scoreOf(metric, rows)
  if (typeof score === 'string') return null
  const interval = await spreadOf([rows], score, ([drawn]) => metrics[metric].score(drawn!), seed)
  return interval
}

/**
 * 95 % interval of how much better `b` is than `a`, on the same rows. Positive is better, whatever
 * the metric's direction.
 */
export const gainInterval = async (
  metric: MetricName,
  a: Aligned,
  b: Aligned,
  seed: number,
): Promise<Interval | null> => {
  const sign = metrics[metric].maximize ? 1 : -1
  const gain = ([first, second]: readonly Aligned[]) => {
    const before = metrics[metric].score(first!)
    const after = metrics[metric].score(second!)
    if (typeof before === 'string') return before
    return typeof after === 'string' ? after : sign * (after - before)
  }
  const point = gain([a, b])
  return typeof point === 'string' ? null : await spreadOf([a, b], point, gain, seed)
}

const spreadOf = async (
  sides: readonly Aligned[],
  point: number,
  of: (drawn: readonly Aligned[]) => number | string,
  seed: number,
): Promise<Interval | null> => {
  const steps = pace()
  const draw = drawer(sides[0]!, seededRandom(seed))
  const values: number[] = []
  const resamples = Math.max(minResamples, Math.min(maxResamples, draw.affordable))
  for (let i = 0; i < resamples; i++) {
    const { indices, groups } = draw.next()
    const value = of(sides.map((side) => ({ ...take(side, indices), groups })))
    if (typeof value === 'number' && Number.isFinite(value)) values.push(value)
    await steps.turn()
  }
  if (values.length < resamples / 2) return null
  values.sort((x, y) => x - y)
  const at = (share: number) => point + (quantile(values, share) - point) * draw.scale
  return [at(0.025), at(0.975)]
}

interface Drawer {
  next(): { indices: Int32Array; groups: Int32Array | null }
  /** What the spread of a smaller draw is to be multiplied with. */
  readonly scale: number
  /** Draws that take no longer than the usual number of draws of the usual size. */
  readonly affordable: number
}

/** Draws rows, or whole queries where there are groups. */
const drawer = (rows: Aligned, random: () => number): Drawer => {
  const count = rows.truth.length
  const width = Math.max(1, rows.predicted.length / count)
  const units = rows.groups ? queries(rows.groups) : null
  const total = units?.length ?? count
  const perUnit = (count * width) / total
  const size = Math.max(Math.min(total, minRows), Math.min(total, Math.floor(maxValues / perUnit)))
  const pick = () => Math.floor(random() * total)
  return {
    scale: Math.sqrt(size / total),
    affordable: Math.floor((maxResamples * maxValues) / (size * perUnit)),
    next() {
      if (!units) return { indices: Int32Array.from({ length: size }, pick), groups: null }
      const picked = Array.from({ length: size }, () => units[pick()]!)
      return {
        indices: Int32Array.from(picked.flat()),
        // Drawn twice, a query is two queries.
        groups: Int32Array.from(picked.flatMap((unit, name) => unit.map(() => name))),
      }
    },
  }
}

const queries = (groups: Int32Array): number[][] => {
  const rows = new Map<number, number[]>()
  groups.forEach((group, row) => {
    const known = rows.get(group)
    if (known) known.push(row)
    else rows.set(group, [row])
  })
  return [...rows.values()]
}

/** Between the two nearest of sorted values. */
const quantile = (sorted: readonly number[], share: number): number => {
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const low = sorted[below]!
  return low + (sorted[Math.min(below + 1, sorted.length - 1)]! - low) * (place - below)
}
