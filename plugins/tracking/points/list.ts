/** Pages of all points of a run in order of (time, id), without reading those before and after. */
import type { Queries } from '../../../src/sdk.ts'
import { type ChunkRef, chunksOf, loadIndexes, readChunks } from './chunks.ts'
import { Selection, type Selected } from './selection.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import type { Point } from './store.ts'
import { At } from './summary.ts'

export interface ListQuery {
  readonly runId: number
  readonly name?: string
  readonly skip: number
  readonly limit: number
}

/** Chunks read at a time: later ones may turn out to be beyond the page. */
const READ_AHEAD = 64

export const minOf = (ref: ChunkRef, place: number): number => ref.index[ref.at + place] as number

/**
 * The chunks that lie wholly before rank `skip` whatever the others hold: their points need not be
 * read, only counted. The rest comes back in order of their first time.
 */
const passOver = (
  refs: readonly ChunkRef[],
  openPoints: number,
  openFrom: number,
  skip: number,
) => {
  const sorted = refs.toSorted((a, b) => minOf(a, At.minTime) - minOf(b, At.minTime))
  let possible = 0
  let sure = -Infinity
  let openCounted = openPoints === 0
  for (const ref of sorted) {
    const from = minOf(ref, At.minTime)
    if (!openCounted && openFrom < from) {
      possible += openPoints
      openCounted = true
    }
    if (possible > skip) break
    sure = from
    possible += ref.count
  }
  let passed = 0
  const rest = sorted.filter((ref) => {
    if (minOf(ref, At.maxTime) >= sure) return true
    passed += ref.count
    return false
  })
  return { passed, rest }
}

const earliest = (batches: readonly OpenBatch[], only: number | undefined) => {
  let points = 0
  let from = Infinity
  for (const { keys, times, count } of batches) {
    for (let i = 0; i < count; i++) {
      if (only !== undefined && keys[i] !== only) continue
      points++
      if ((times[i] as number) < from) from = times[i] as number
    }
  }
  return { points, from }
}

const addOpen = (
  selection: Selection,
  batches: readonly OpenBatch[],
  only: number | undefined,
): void => {
  for (const { firstId, keys, steps, times, values, count } of batches) {
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number
      const time = times[i] as number
      if (only !== undefined && key !== only) continue
      selection.add(time, firstId + i, key, steps[i] as number, time, values[i] as number)
    }
  }
}

const addSealed = async (
  q: Queries,
  selection: Selection,
  rest: readonly ChunkRef[],
): Promise<void> => {
  for (let from = 0; from < rest.length; from += READ_AHEAD) {
    const page = rest
      .slice(from, from + READ_AHEAD)
      .filter((ref) => minOf(ref, At.minTime) <= selection.limit)
    if (page.length === 0) return
    for await (const [{ series }, points] of readChunks(q, page)) {
      const { keys, steps, times, values, count } = points
      for (let i = 0; i < count; i++) {
        const time = times[i] as number
        selection.add(
          time,
          keys[i] as number,
          series.id,
          steps[i] as number,
          time,
          values[i] as number,
        )
      }
    }
  }
}

export const toPoints = (state: RunState, selected: Selected): Point[] =>
  Array.from({ length: selected.count }, (_, i) => ({
    id: selected.keys[i] as number,
    runId: state.runId,
    name: state.byId.get(selected.series[i] as number)?.name ?? '',
    value: selected.values[i] as number,
    step: selected.steps[i] as number,
    time: selected.times[i] as number,
  }))

export const listPoints = async (
  q: Queries,
  state: RunState,
  { name, skip, limit }: ListQuery,
): Promise<Point[]> => {
  const wanted: Series[] = []
  if (name === undefined) wanted.push(...state.byId.values())
  else {
    const series = state.series.get(name)
    if (series) wanted.push(series)
  }
  if (wanted.length === 0 || limit === 0) return []
  await loadIndexes(q, state, wanted)
  const only = name === undefined ? undefined : wanted[0]?.id
  const batches = state.batches.slice()
  const refs = wanted.flatMap(chunksOf)
  const open = earliest(batches, only)
  const { passed, rest } = passOver(refs, open.points, open.from, skip)
  const available = rest.reduce((sum, { count }) => sum + count, open.points)
  const from = skip - passed
  if (from >= available) return []
  const selection = new Selection(Math.min(from + limit, available), available)
  addOpen(selection, batches, only)
  await addSealed(q, selection, rest)
  return toPoints(state, selection.done(from))
}
