/** Whole series, as columns in order of (time, id). */
import type { Queries } from '../../../src/sdk.ts'
import { chunksOf, loadIndexes, readChunks } from './chunks.ts'
import { type Columns, columnsOf, setColumns } from './payload.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import type { SeriesHistory } from './store.ts'

/** The points of one series in open batches, in order of id; `keys` are ids. */
export const openPointsOf = (batches: readonly OpenBatch[], seriesId: number): Columns => {
  const keys: number[] = []
  const steps: number[] = []
  const times: number[] = []
  const values: number[] = []
  for (const batch of batches) {
    for (let i = 0; i < batch.count; i++) {
      if (batch.keys[i] !== seriesId) continue
      keys.push(batch.firstId + i)
      steps.push(batch.steps[i] as number)
      times.push(batch.times[i] as number)
      values.push(batch.values[i] as number)
    }
  }
  return {
    count: keys.length,
    keys: Float64Array.from(keys),
    steps: Float64Array.from(steps),
    times: Float64Array.from(times),
    values: Float64Array.from(values),
  }
}

const isInOrder = ({ keys, times, count }: Columns): boolean => {
  for (let i = 1; i < count; i++) {
    const before = times[i - 1] as number
    const time = times[i] as number
    if (time < before || (time === before && (keys[i] as number) < (keys[i - 1] as number))) {
      return false
    }
  }
  return true
}

/** The order of points by one column and then by id. */
export const orderBy = (column: Float64Array, keys: Float64Array): Uint32Array => {
  const order = new Uint32Array(keys.length)
  for (let i = 0; i < order.length; i++) order[i] = i
  return order.sort(
    (a, b) =>
      (column[a] as number) - (column[b] as number) || (keys[a] as number) - (keys[b] as number),
  )
}

const pick = (column: Float64Array, order: Uint32Array): Float64Array => {
  const out = new Float64Array(order.length)
  for (let i = 0; i < order.length; i++) out[i] = column[order[i] as number] as number
  return out
}

export const inTimeOrder = (points: Columns): Columns => {
  if (isInOrder(points)) return points
  const order = orderBy(points.times, points.keys)
  return {
    count: points.count,
    keys: pick(points.keys, order),
    steps: pick(points.steps, order),
    times: pick(points.times, order),
    values: pick(points.values, order),
  }
}

/** All points of a series in order of id; the state must be refreshed. */
const readSeriesPoints = async (q: Queries, state: RunState, series: Series): Promise<Columns> => {
  await loadIndexes(q, state, [series])
  const open = openPointsOf(state.batches, series.id)
  const refs = chunksOf(series)
  const places = new Map<number, number>()
  let count = 0
  for (const ref of refs) {
    places.set(ref.firstId, count)
    count += ref.count
  }
  // Filled in place: a long series is in memory once.
  const all = columnsOf(count + open.count)
  for await (const [{ firstId }, points] of readChunks(q, refs)) {
    setColumns(all, places.get(firstId) as number, points)
  }
  setColumns(all, count, open)
  return all
}

export const readHistory = async (
  q: Queries,
  state: RunState,
  name: string,
): Promise<SeriesHistory | null> => {
  const series = state.series.get(name)
  if (!series) return null
  const points = inTimeOrder(await readSeriesPoints(q, state, series))
  if (points.count === 0) return null
  const { keys, steps, times, values } = points
  return { name, ids: keys, steps, times, values }
}
