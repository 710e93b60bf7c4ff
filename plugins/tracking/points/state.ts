/** What this process remembers of a run: its series, and its points that are in no chunk yet. */
import { type Box, Coverage } from './coverage.ts'
import type { Columns } from './payload.ts'
import type { PayloadCache } from './payload-cache.ts'
import { addPoint, At, emptySummary, type Summary } from './summary.ts'

export interface Series {
  readonly id: number
  readonly name: string
  /** Of the points in chunks. */
  sealed: Summary
  /** Of the points in `RunState.batches`. */
  open: Summary
  /** Holds every point ever acknowledged: most points lie outside, hence are new. */
  coverage: Coverage
  /** Whether the coverage was learned from the points, not only from what sums them up. */
  learned: boolean
  /** First id of the newest chunk while that has room. */
  tailId: number | null
  /** Summaries of all chunks, packed, in order of id; null until somebody asks. */
  index: Float64Array | null
}

/** A row of `tracking_batch`; `keys` are series, ids count up from `firstId`. */
export interface OpenBatch extends Columns {
  readonly firstId: number
  /** Around all its points. */
  readonly box: Box
}

export interface SeriesRow {
  readonly id: number
  readonly name: string
  readonly sealed: Summary | null
  readonly tailId: number | null
}

const SERIES_BYTES = 1000
const POINT_BYTES = 32

export class RunState {
  readonly runId: number
  /** Of the run's chunks: raised by every rewrite of them; 0 while the run has no points. */
  version = 0
  readonly series = new Map<string, Series>()
  readonly byId = new Map<number, Series>()
  batches: OpenBatch[] = []
  openPoints = 0
  /** First id of the newest batch in `batches`, or of the last one known to be sealed. */
  seenId = -1
  /** Points this process committed since it last sealed the run. */
  unsealed = 0
  /** The store's epoch at which the coverage of all series was known to be right. */
  epoch = 0
  indexBytes = 0

  /** Shared by all runs. */
  readonly payloads: PayloadCache

  constructor(runId: number, payloads: PayloadCache) {
    this.runId = runId
    this.payloads = payloads
  }

  get sizeBytes(): number {
    return this.series.size * SERIES_BYTES + this.openPoints * POINT_BYTES + this.indexBytes
  }

  addSeries({ id, name, sealed, tailId }: SeriesRow): Series {
    const known = this.byId.get(id)
    if (known) return known
    const series: Series = {
      id,
      name,
      sealed: sealed ?? emptySummary(),
      open: emptySummary(),
      coverage: new Coverage(),
      learned: false,
      tailId,
      index: null,
    }
    cover(series, series.sealed)
    this.series.set(name, series)
    this.byId.set(id, series)
    return series
  }

  /** Forgets chunks and batches, not the series: ids and coverage stay true. */
  reset(version: number, rows: readonly SeriesRow[]): void {
    this.version = version
    this.batches = []
    this.openPoints = 0
    this.seenId = -1
    this.indexBytes = 0
    for (const row of rows) {
      const series = this.addSeries(row)
      series.sealed = row.sealed ?? emptySummary()
      series.tailId = row.tailId
      series.open = emptySummary()
      series.index = null
      cover(series, series.sealed)
    }
  }

  /** Adds batches of known series; those it has already are passed over. */
  addBatches(batches: readonly OpenBatch[]): void {
    for (const batch of batches) {
      if (batch.firstId <= this.seenId) continue
      this.seenId = batch.firstId
      this.batches.push(batch)
      this.openPoints += batch.count
      this.#count(batch)
    }
  }

  /** Drops the oldest batches, whose points are in chunks now. */
  dropBatches(amount: number): void {
    this.batches = this.batches.slice(amount)
    this.openPoints = 0
    for (const series of this.byId.values()) {
      if ((series.open[At.count] as number) > 0) series.open = emptySummary()
    }
    for (const batch of this.batches) {
      this.openPoints += batch.count
      this.#count(batch)
    }
  }

  #count({ firstId, count, keys, steps, times, values }: OpenBatch): void {
    let series: Series | undefined
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number
      if (series?.id !== key) series = this.byId.get(key)
      if (!series) continue
      const step = steps[i] as number
      const time = times[i] as number
      addPoint(series.open, firstId + i, step, time, values[i] as number)
      series.coverage.addPoint(step, time)
    }
  }

  /** Replaces the coverage of a series by one that holds all its points in chunks. */
  learn(series: Series, coverage: Coverage): void {
    series.coverage = coverage
    series.learned = true
    for (const { keys, steps, times, count } of this.batches) {
      for (let i = 0; i < count; i++) {
        if (keys[i] === series.id) coverage.addPoint(steps[i] as number, times[i] as number)
      }
    }
  }
}

/** Points that only their summary tells of may lie anywhere within its bounds. */
const cover = (series: Series, sealed: Summary): void => {
  if ((sealed[At.count] as number) === 0) return
  series.learned = false
  series.coverage.add({
    minStep: sealed[At.minStep] as number,
    maxStep: sealed[At.maxStep] as number,
    minTime: sealed[At.minTime] as number,
    maxTime: sealed[At.maxTime] as number,
  })
}
