/** Charts: every point counted into buckets of steps, or the points themselves when few. */
import type { Queries } from '../../../src/sdk.ts'
import { type ChunkRef, chunksOf, fieldOf, loadIndexes, readChunks } from './chunks.ts'
import { openPointsOf, orderBy } from './history.ts'
import { type Columns, concat } from './payload.ts'
import type { PayloadCache } from './payload-cache.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import type { ChartQuery, ChartSeries } from './store.ts'
import { totalOf } from './summaries.ts'
import { addPoint, At, emptySummary, mergeSummary, nonFiniteBit, type Summary } from './summary.ts'

interface Range {
  readonly from: number
  readonly to: number
}

/**
 * The narrowest power of two with which the range needs no more than `buckets`. Edges are multiples
 * of it, so they stay where they are as data grows. (One bucket cannot span zero: it becomes two.)
 */
export const bucketWidth = ({ from, to }: Range, buckets: number): number => {
  let width = 1
  while (Math.floor(to / width) - Math.floor(from / width) >= buckets && width < 2 ** 53) {
    width *= 2
  }
  return width
}

const isInside = (step: number, { from, to }: Range): boolean => step >= from && step <= to

const pointsIn = (points: Columns, range: Range): Columns => {
  const kept: number[] = []
  for (let i = 0; i < points.count; i++) {
    if (isInside(points.steps[i] as number, range)) kept.push(i)
  }
  const pick = (column: Float64Array) => Float64Array.from(kept, (i) => column[i] as number)
  return {
    count: kept.length,
    keys: pick(points.keys),
    steps: pick(points.steps),
    times: pick(points.times),
    values: pick(points.values),
  }
}

/** In order of (step, time, id). */
const stepOrder = ({ keys, steps, times }: Columns): Uint32Array =>
  // The sort is stable: by time and id first, then by step.
  orderBy(times, keys).sort((a, b) => (steps[a] as number) - (steps[b] as number))

const exactSeries = (name: string, points: Columns): ChartSeries => {
  const order = stepOrder(points)
  const values = Float64Array.from(order, (i) => points.values[i] as number)
  const finite = values.map((value) => (value - value === 0 ? value : NaN))
  return {
    name,
    exact: true,
    width: 0,
    steps: Float64Array.from(order, (i) => points.steps[i] as number),
    min: finite,
    max: finite,
    mean: finite,
    last: values,
    count: new Float64Array(values.length).fill(1),
    nonFinite: Uint8Array.from(values, (value) => (value - value === 0 ? 0 : nonFiniteBit(value))),
  }
}

class Buckets {
  readonly width: number
  readonly #first: number
  readonly #range: Range
  readonly #summaries: (Summary | undefined)[]

  constructor(range: Range, buckets: number) {
    this.width = bucketWidth(range, buckets)
    this.#range = range
    this.#first = Math.floor(range.from / this.width)
    this.#summaries = new Array(Math.floor(range.to / this.width) - this.#first + 1)
  }

  /** Counts a chunk in by its summary; false when it is not inside one bucket and the range. */
  addChunk(ref: ChunkRef): boolean {
    const low = fieldOf(ref, At.minStep)
    const high = fieldOf(ref, At.maxStep)
    if (!isInside(low, this.#range) || !isInside(high, this.#range)) return false
    const bucket = Math.floor(low / this.width)
    if (Math.floor(high / this.width) !== bucket) return false
    mergeSummary(this.#at(bucket), ref.index, ref.at)
    return true
  }

  addPoints({ keys, steps, times, values, count }: Columns): void {
    const { from, to } = this.#range
    const perStep = 1 / this.width
    let current = NaN
    let summary: Summary | undefined
    for (let i = 0; i < count; i++) {
      const step = steps[i] as number
      if (step < from || step > to) continue
      const bucket = Math.floor(step * perStep)
      if (bucket !== current || !summary) {
        current = bucket
        summary = this.#at(bucket)
      }
      addPoint(summary, keys[i] as number, step, times[i] as number, values[i] as number)
    }
  }

  done(name: string): ChartSeries {
    const filled: [step: number, summary: Summary][] = []
    this.#summaries.forEach((summary, i) => {
      if (summary) filled.push([(this.#first + i) * this.width, summary])
    })
    const column = (place: number) => Float64Array.from(filled, ([, s]) => s[place] as number)
    const finite = (place: number) =>
      Float64Array.from(filled, ([, s]) => (s[At.finite] ? (s[place] as number) : NaN))
    return {
      name,
      exact: false,
      width: this.width,
      steps: Float64Array.from(filled, ([step]) => step),
      min: finite(At.min),
      max: finite(At.max),
      mean: finite(At.mean),
      last: column(At.lastValue),
      count: column(At.count),
      nonFinite: Uint8Array.from(filled, ([, s]) => s[At.nonFinite] as number),
    }
  }

  #at(bucket: number): Summary {
    const at = bucket - this.#first
    const known = this.#summaries[at]
    if (known) return known
    const made = emptySummary()
    this.#summaries[at] = made
    return made
  }
}

/** The points of the range, if that is no more than `most`. */
const fewPoints = async (
  q: Queries,
  refs: readonly ChunkRef[],
  open: Columns,
  range: Range,
  most: number,
  cache: PayloadCache,
): Promise<Columns | null> => {
  let sure = open.count
  for (const ref of refs) {
    const inside = fieldOf(ref, At.minStep) >= range.from && fieldOf(ref, At.maxStep) <= range.to
    if (inside) sure += ref.count
  }
  if (sure > most) return null
  const parts = [open]
  let count = open.count
  for await (const [, points] of readChunks(q, refs, cache)) {
    const part = pointsIn(points, range)
    parts.push(part)
    count += part.count
    if (count > most) return null
  }
  return concat(parts)
}

const chartOf = async (
  q: Queries,
  series: Series,
  batches: readonly OpenBatch[],
  { buckets, from, to }: ChartQuery,
  total: Summary,
  cache: PayloadCache,
): Promise<ChartSeries> => {
  const range = {
    from: Math.max(from ?? -Infinity, total[At.minStep] as number),
    to: Math.min(to ?? Infinity, total[At.maxStep] as number),
  }
  const nothing = exactSeries(series.name, concat([]))
  if (!(range.from <= range.to)) return nothing
  const open = pointsIn(openPointsOf(batches, series.id), range)
  const refs = chunksOf(series).filter(
    (ref) => fieldOf(ref, At.maxStep) >= range.from && fieldOf(ref, At.minStep) <= range.to,
  )
  const few = await fewPoints(q, refs, open, range, buckets, cache)
  if (few) return exactSeries(series.name, few)
  const filling = new Buckets(range, buckets)
  filling.addPoints(open)
  const cut = refs.filter((ref) => !filling.addChunk(ref))
  for await (const [, points] of readChunks(q, cut, cache)) filling.addPoints(points)
  return filling.done(series.name)
}

/** One chart per name that has points, in the order of the names. */
export const readChart = async (
  q: Queries,
  state: RunState,
  query: ChartQuery,
): Promise<ChartSeries[]> => {
  const wanted = [...new Set(query.names)]
    .map((name) => state.series.get(name))
    .filter((series) => series !== undefined)
  await loadIndexes(q, state, wanted)
  // Taken at once: chunks and batches must not move against each other while the charts are read.
  const batches = state.batches.slice()
  const snapshot = wanted.map((series) => ({ series: { ...series }, total: totalOf(series) }))
  const charts: ChartSeries[] = []
  for (const { series, total } of snapshot) {
    if ((total[At.count] as number) > 0) {
      charts.push(await chartOf(q, series, batches, query, total, state.payloads))
    }
  }
  return charts
}
