/** The point store as simple as it can be said: arrays and loops, to compare the real one with. */
import type {
  AppendInput,
  ChartQuery,
  Point,
  SeriesSummary,
} from '../../../../plugins/tracking/points/store.ts'

/** Small, seeded and the same everywhere (mulberry32). */
export const random = (seed: number) => {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return { next, below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T }
}

export type Random = ReturnType<typeof random>

const isFinite = (value: number): boolean => value - value === 0
const bit = (value: number): number =>
  isFinite(value) ? 0 : Number.isNaN(value) ? 1 : value > 0 ? 2 : 4

const byTime = (a: Point, b: Point): number => a.time - b.time || a.id - b.id
const byStep = (a: Point, b: Point): number => a.step - b.step || byTime(a, b)

const extremes = (points: readonly Point[]) => {
  const values = points.map(({ value }) => value).filter(isFinite)
  if (values.length === 0) return { min: NaN, max: NaN, mean: NaN }
  return {
    min: Math.min(...values),
    max: Math.max(...values),
    mean: values.reduce((sum, value) => sum + value / values.length, 0),
  }
}

export interface ModelBucket {
  readonly step: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly last: number
  readonly count: number
  readonly nonFinite: number
}

const bucketOf = (step: number, points: readonly Point[]): ModelBucket => ({
  step,
  ...extremes(points),
  last: points.toSorted(byStep).at(-1)?.value ?? NaN,
  count: points.length,
  nonFinite: points.reduce((bits, { value }) => bits | bit(value), 0),
})

export class Model {
  points: Point[] = []
  #nextId = 1
  readonly #batches = new Map<string, { firstId: number; stored: number; repeated: number }>()

  /** `arrived` is the time of points that come without one. */
  append({ runId, series, batchId }: AppendInput, arrived: number) {
    const key = `${runId} ${batchId}`
    const before = batchId === undefined ? undefined : this.#batches.get(key)
    if (before) return { ...before, time: arrived }
    const firstId = this.#nextId
    let same: number | undefined
    let repeated = 0
    for (const { name, values, steps, times } of series) {
      for (let i = 0; i < values.length; i++) {
        const point = {
          runId,
          name,
          value: values[i] as number,
          step: steps ? (steps[i] as number) : 0,
          time: times ? (times[i] as number) : arrived,
        }
        const known = times && this.points.find((other) => isSame(other, point))
        if (known) {
          repeated++
          same ??= known.id
        } else this.points.push({ id: this.#nextId++, ...point })
      }
    }
    const stored = this.#nextId - firstId
    const result = { firstId: stored === 0 ? (same ?? firstId) : firstId, stored, repeated }
    if (batchId !== undefined) this.#batches.set(key, result)
    return { ...result, time: arrived }
  }

  of(runId: number, name?: string): Point[] {
    return this.points
      .filter((point) => point.runId === runId && (name === undefined || point.name === name))
      .sort(byTime)
  }

  names(runId: number): string[] {
    return [...new Set(this.of(runId).map(({ name }) => name))].sort()
  }

  summary(runId: number): SeriesSummary[] {
    return this.names(runId).map((name) => {
      const points = this.of(runId, name)
      const last = points.at(-1) as Point
      const { min, max, mean } = extremes(points)
      const orNull = (value: number) => (Number.isNaN(value) ? null : value)
      return {
        name,
        last: last.value,
        lastStep: last.step,
        lastTime: last.time,
        min: orNull(min),
        max: orNull(max),
        mean: orNull(mean),
        count: points.length,
        nonFinite: points.filter(({ value }) => !isFinite(value)).length,
      }
    })
  }

  chart({ runId, buckets, from = -Infinity, to = Infinity }: ChartQuery, name: string) {
    const all = this.of(runId, name).sort(byStep)
    const points = all.filter(({ step }) => step >= from && step <= to)
    if (points.length <= buckets) {
      return {
        exact: true,
        width: 0,
        buckets: points.map((point) => bucketOf(point.step, [point])),
      }
    }
    // The range asked for, as far as the series reaches.
    const low = Math.max(from, all[0]?.step ?? 0)
    const high = Math.min(to, all.at(-1)?.step ?? 0)
    let width = 1
    while (Math.floor(high / width) - Math.floor(low / width) + 1 > buckets) width *= 2
    const groups = Map.groupBy(points, ({ step }) => Math.floor(step / width) * width)
    return {
      exact: false,
      width,
      buckets: [...groups].map(([step, group]) => bucketOf(step, group)),
    }
  }

  truncate(runId: number, fromStep: number): void {
    this.points = this.points.filter((point) => point.runId !== runId || point.step < fromStep)
  }
}

const isSame = (a: Point, b: Omit<Point, 'id'>): boolean =>
  a.runId === b.runId &&
  a.name === b.name &&
  a.step === b.step &&
  a.time === b.time &&
  Object.is(a.value, b.value)
