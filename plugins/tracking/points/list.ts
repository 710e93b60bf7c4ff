/** Pages of all points of a run in order of (time, id), without reading those before and after. */
import type { Queries } from '../../../src/sdk.ts'
import { type ChunkRef, chunksOf, loadIndexes, fieldOf, readChunks } from './chunks.ts'
import type { PayloadCache } from './payload-cache.ts'
import { type Selected, Selection } from './selection.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import type { Point } from './store.ts'
import { At } from './summary.ts'
import { findWindow, type PageSource, type Window } from './window.ts'

export interface ListQuery {
  readonly runId: number
  readonly name?: string
  readonly skip: number
  readonly limit: number
}

/** Chunks read at a time: later ones may turn out to be beyond the page. */
const READ_AHEAD = 64

const countOpen = (batches: readonly OpenBatch[], only: number | undefined) => {
  let points = 0
  let earliest = Infinity
  for (const { keys, times, count } of batches) {
    for (let i = 0; i < count; i++) {
      if (only !== undefined && keys[i] !== only) continue
      points++
      if ((times[i] as number) < earliest) earliest = times[i] as number
    }
  }
  return { points, earliest }
}

/**
 * The chunks that lie wholly before rank `skip` whatever the others hold: their points need not be
 * read, only counted. The rest comes back in order of their first time.
 */
const passOver = (source: PageSource, skip: number) => {
  const open = countOpen(source.batches, source.only)
  const sorted = source.refs.toSorted((a, b) => fieldOf(a, At.minTime) - fieldOf(b, At.minTime))
  let possible = 0
  let sure = -Infinity
  let openCounted = open.points === 0
  for (const ref of sorted) {
    const from = fieldOf(ref, At.minTime)
    if (!openCounted && open.earliest < from) {
      possible += open.points
      openCounted = true
    }
    if (possible > skip) break
    sure = from
    possible += ref.count
  }
  let passed = 0
  const rest = sorted.filter((ref) => {
    if (fieldOf(ref, At.maxTime) >= sure) return true
    passed += ref.count
    return false
  })
  const available = rest.reduce((sum, { count }) => sum + count, open.points)
  return { passed, rest, available }
}

const addOpen = (selection: Selection, { batches, only }: PageSource, window: Window): void => {
  for (const { firstId, keys, steps, times, values, count } of batches) {
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number
      const time = times[i] as number
      if (only !== undefined && key !== only) continue
      const bin = window.bin(time)
      if (bin < window.first || bin > window.last) continue
      selection.add(time, firstId + i, key, steps[i] as number, time, values[i] as number)
    }
  }
}

const addSealed = async (
  q: Queries,
  selection: Selection,
  refs: readonly ChunkRef[],
  { bin, first, last }: Window,
  cache: PayloadCache,
): Promise<void> => {
  const near = refs.filter(
    (ref) => bin(fieldOf(ref, At.maxTime)) >= first && bin(fieldOf(ref, At.minTime)) <= last,
  )
  for (let from = 0; from < near.length; from += READ_AHEAD) {
    const page = near
      .slice(from, from + READ_AHEAD)
      .filter((ref) => fieldOf(ref, At.minTime) <= selection.limit)
    if (page.length === 0) return
    for await (const [{ series }, points] of readChunks(q, page, cache)) {
      const { times, count } = points
      for (let i = 0; i < count; i++) {
        const time = times[i] as number
        // Looked at first, so that the other columns of a chunk are unpacked only for a match.
        if (time > selection.limit || bin(time) < first || bin(time) > last) continue
        const { keys, steps, values } = points
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

const wantedSeries = (state: RunState, name: string | undefined): Series[] => {
  if (name === undefined) return [...state.byId.values()]
  const series = state.series.get(name)
  return series ? [series] : []
}

export const listPoints = async (
  q: Queries,
  state: RunState,
  { name, skip, limit }: ListQuery,
): Promise<Point[]> => {
  const wanted = wantedSeries(state, name)
  if (wanted.length === 0 || limit === 0) return []
  await loadIndexes(q, state, wanted)
  const source: PageSource = {
    batches: state.batches.slice(),
    only: name === undefined ? undefined : wanted[0]?.id,
    refs: wanted.flatMap(chunksOf),
  }
  const { passed, rest, available } = passOver(source, skip)
  if (skip - passed >= available) return []
  const window = await findWindow(q, { ...source, refs: rest }, skip - passed, limit)
  const selection = new Selection(Math.min(window.from + limit, available), available)
  // Each chunk has a point at its first time: with so many chunks, the page ends there at last.
  const full = rest[window.from + limit - 1]
  if (full && window.first === 0) selection.limit = fieldOf(full, At.minTime)
  addOpen(selection, source, window)
  await addSealed(q, selection, rest, window, state.payloads)
  return toPoints(state, selection.done(window.from))
}
