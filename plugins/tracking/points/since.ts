/** Points after a cursor in order of id: what a client missed. */
import type { Database, Queries } from '../../../src/sdk.ts'
import { chunksOf, fieldOf, loadIndexes, readChunks } from './chunks.ts'
import { toPoints } from './list.ts'
import type { Runs } from './runs.ts'
import { Selection, type Selected } from './selection.ts'
import type { RunState } from './state.ts'
import type { Point } from './store.ts'
import { At } from './summary.ts'

/** Points selected at a time, and handed out at a time. */
const SELECTED = 16_384
const PAGE = 1024

const newestId = (state: RunState): number => {
  const batch = state.batches.at(-1)
  if (batch) return batch.firstId + batch.count - 1
  let newest = 0
  for (const { sealed } of state.byId.values()) {
    newest = Math.max(newest, sealed[At.maxId] as number)
  }
  return newest
}

/** The first points with an id above `since`, from chunks and open batches alike. */
const select = async (q: Queries, state: RunState, since: number): Promise<Selected> => {
  const sealed = [...state.byId.values()].filter((s) => (s.sealed[At.maxId] as number) > since)
  await loadIndexes(q, state, sealed)
  const batches = state.batches.filter(({ firstId, count }) => firstId + count - 1 > since)
  const refs = sealed
    .flatMap(chunksOf)
    .filter((ref) => fieldOf(ref, At.maxId) > since)
    .toSorted((a, b) => a.firstId - b.firstId)
  const available = [...refs, ...batches].reduce((sum, { count }) => sum + count, 0)
  const selection = new Selection(Math.min(SELECTED, available), available)
  for (const { firstId, keys, steps, times, values, count } of batches) {
    for (let i = Math.max(0, since + 1 - firstId); i < count; i++) {
      const id = firstId + i
      if (id > selection.limit) break
      selection.add(
        id,
        id,
        keys[i] as number,
        steps[i] as number,
        times[i] as number,
        values[i] as number,
      )
    }
  }
  for (let from = 0; from < refs.length; from += 64) {
    const page = refs.slice(from, from + 64).filter(({ firstId }) => firstId <= selection.limit)
    if (page.length === 0) break
    for await (const [{ series }, points] of readChunks(q, page)) {
      const { keys, steps, times, values, count } = points
      for (let i = 0; i < count; i++) {
        const id = keys[i] as number
        if (id <= since) continue
        selection.add(
          id,
          id,
          series.id,
          steps[i] as number,
          times[i] as number,
          values[i] as number,
        )
      }
    }
  }
  return selection.done(0)
}

/** Yields pages up to what was stored when the first was asked for. */
export async function* pointsSince(
  db: Database,
  runs: Runs,
  runId: number,
  since: number,
): AsyncGenerator<readonly Point[]> {
  const end = newestId(await runs.refresh(db, runId))
  let cursor = since
  while (cursor < end) {
    const from = cursor
    const points = await runs.consistently(db, runId, async (state) =>
      toPoints(state, await select(db, state, from)),
    )
    if (points.length === 0) return
    for (let at = 0; at < points.length; at += PAGE) yield points.slice(at, at + PAGE)
    cursor = points.at(-1)?.id ?? end
  }
}
