/** The store of metric points: what the rest of the plugin may ask of it. */

/** Points of one batch, as columns of equal length per series. */
export interface SeriesInput {
  readonly name: string
  readonly values: ArrayLike<number>
  /** Absent: 0 for each point. 64-bit integers within ±2^53. */
  readonly steps?: ArrayLike<number>
  /** Microseconds since the epoch; absent: the time of arrival. */
  readonly times?: ArrayLike<number>
}

export interface AppendInput {
  readonly runId: number
  readonly series: readonly SeriesInput[]
  /** A batch with an id that this run already has is acknowledged again and not stored again. */
  readonly batchId?: string
}

export interface Appended {
  /**
   * Ids of the batch's stored points are `firstId .. firstId + stored - 1`, in order of input.
   * When none was new: the id of the first point that they repeat.
   */
  readonly firstId: number
  readonly stored: number
  /** Points left out because they were there already (same series, step, given time and value). */
  readonly repeated: number
  /** Microseconds since the epoch: the time of arrival, given to points that brought none. */
  readonly time: number
}

export interface Point {
  /** Grows by one with every point stored, over all runs, in order of commit: the live cursor. */
  readonly id: number
  readonly runId: number
  readonly name: string
  readonly value: number
  readonly step: number
  /** Microseconds since the epoch. */
  readonly time: number
}

export interface SeriesSummary {
  readonly name: string
  /** By time, then id; may be NaN or infinite. */
  readonly last: number
  readonly lastStep: number
  readonly lastTime: number
  /** Over finite values; null when there is none. */
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  /** All points, finite or not. */
  readonly count: number
  readonly nonFinite: number
}

/** Columns of one series in order of (time, id). */
export interface SeriesHistory {
  readonly name: string
  readonly ids: Float64Array
  readonly steps: Float64Array
  readonly times: Float64Array
  readonly values: Float64Array
}

export interface ChartQuery {
  readonly runId: number
  readonly names: readonly string[]
  /** At most this many buckets a series (1..10,000). */
  readonly buckets: number
  /** Range of steps, inclusive; absent: all. */
  readonly from?: number
  readonly to?: number
}

/** One series of a chart: exact rows when no more than `buckets`, else buckets of one width. */
export interface ChartSeries {
  readonly name: string
  readonly exact: boolean
  /** Steps of a bucket, a power of two; bucket k covers [k*width, (k+1)*width). 0: exact. */
  readonly width: number
  /** First step of each bucket that has points, or the exact steps. */
  readonly steps: Float64Array
  readonly min: Float64Array
  readonly max: Float64Array
  readonly mean: Float64Array
  /** The value with the highest (step, time, id) of the bucket. */
  readonly last: Float64Array
  readonly count: Float64Array
  /** Bits: 1 NaN, 2 +Infinity, 4 -Infinity. */
  readonly nonFinite: Uint8Array
}

/** Points that were just stored; can be iterated more than once, while the listener runs. */
export interface AppendedPoints extends Iterable<Point> {
  readonly count: number
  readonly firstId: number
}

export interface PointStore {
  /**
   * Stores points; when it resolves they are on disk (group commit: concurrent calls share one).
   * @throws DiskFullError and nothing of the batch is stored
   */
  append(input: AppendInput): Promise<Appended>
  /** Points of a run ordered by (time, id). */
  list(query: { runId: number; name?: string; skip: number; limit: number }): Promise<Point[]>
  history(runId: number, name: string): Promise<SeriesHistory | null>
  /** Names of the run's series, sorted. */
  names(runId: number): Promise<string[]>
  /** Every series of the run, by name; `names` narrows. */
  summary(runId: number, names?: readonly string[]): Promise<SeriesSummary[]>
  chart(query: ChartQuery): Promise<ChartSeries[]>
  /** Points with an id above `since`, in order of id, in bounded pages. */
  since(runId: number, since: number): AsyncIterable<readonly Point[]>
  /** The id of the latest point stored, of whatever run. */
  head(): Promise<number>
  /**
   * Called after each commit of this process with the stored points, in order of id: feeds the live
   * channel. `Point` objects are made as the listener iterates: who only counts pays nothing.
   */
  onAppended(listener: (runId: number, points: AppendedPoints) => void): void
  /** Copies points with step below `step` (or all) of one run to another: the base of a fork. */
  copy(from: number, to: number, belowStep?: number): Promise<void>
  /** Drops points with step at or above `step`: rewinds a run for a resume. */
  truncate(runId: number, fromStep: number): Promise<void>
  /** Removes all points of a run for good. */
  delete(runId: number): Promise<void>
  /**
   * Brings `tracking_series` (columns `run_id, name, last_value, last_step, min_value, max_value,
   * count`) up to date with every acknowledged point, so that plain SQL can search it.
   */
  flushSummaries(): Promise<void>
  close(): Promise<void>
}
