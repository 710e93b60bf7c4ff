/** Changes what is stored already: rewinds a run, copies it, removes it. */
import { type Database, type Queries, type Transaction, sql } from '../../../src/sdk.ts'
import { type ChunkRef, chunksOf, fieldOf, loadIndexes, readChunks } from './chunks.ts'
import { type Committer, lockCounter } from './committer.ts'
import { openPointsOf } from './history.ts'
import type { Columns } from './payload.ts'
import { type Runs, StaleError } from './runs.ts'
import { type Chunk, chunksFrom } from './cut.ts'
import { claim, type SealedSeries, writeSealed } from './seal.ts'
import type { Sealer } from './sealer.ts'
import { pointsSince } from './since.ts'
import type { RunState, Series } from './state.ts'
import type { Point, SeriesInput } from './store.ts'
import { At, emptySummary, mergeSummary } from './summary.ts'

export interface Rewriting {
  readonly db: Database
  readonly runs: Runs
  readonly committer: Committer
  readonly sealer: Sealer
}

const below = (points: Columns, step: number): Columns => {
  const kept: number[] = []
  for (let i = 0; i < points.count; i++) {
    if ((points.steps[i] as number) < step) kept.push(i)
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

interface Cut extends SealedSeries {
  readonly dropped: readonly ChunkRef[]
}

/** What one series becomes without the points from a step on; its open points become chunks. */
const cutSeries = async (
  q: Queries,
  state: RunState,
  series: Series,
  fromStep: number,
): Promise<Cut> => {
  const refs = chunksOf(series)
  const dropped = refs.filter((ref) => fieldOf(ref, At.maxStep) >= fromStep)
  const chunks: Chunk[] = []
  for await (const [, points] of readChunks(
    q,
    dropped.filter((ref) => fieldOf(ref, At.minStep) < fromStep),
  )) {
    chunks.push(...chunksFrom(below(points, fromStep)))
  }
  chunks.push(...chunksFrom(below(openPointsOf(state.batches, series.id), fromStep)))
  const sealed = emptySummary()
  for (const ref of refs) if (!dropped.includes(ref)) mergeSummary(sealed, ref.index, ref.at)
  for (const { summary } of chunks) mergeSummary(sealed, summary)
  // The next points begin a chunk of their own.
  return { series, sealed, chunks, tailId: null, dropped }
}

const removeChunks = async (tx: Queries, refs: readonly ChunkRef[]): Promise<void> => {
  for (let from = 0; from < refs.length; from += 256) {
    const part = refs.slice(from, from + 256)
    const ids = part.map(({ firstId }) => firstId)
    const series = [...new Set(part.map((ref) => ref.series.id))]
    await tx.run(sql`delete from tracking_chunk_data where first_id in ${ids}`)
    await tx.run(sql`
      delete from tracking_chunk where series_id in ${series} and first_id in ${ids}`)
  }
}

const truncate = async (
  tx: Transaction,
  runs: Runs,
  runId: number,
  fromStep: number,
): Promise<void> => {
  // No server stores points while the open ones are rewritten.
  await lockCounter(tx)
  const state = await runs.refresh(tx, runId)
  const touched = [...state.byId.values()].filter(
    ({ sealed, open }) =>
      (open[At.count] as number) > 0 || (sealed[At.maxStep] as number) >= fromStep,
  )
  if (touched.length === 0) return
  await loadIndexes(tx, state, touched)
  if (!(await claim(tx, runId, state.version))) throw new StaleError()
  const cuts: Cut[] = []
  for (const series of touched) cuts.push(await cutSeries(tx, state, series, fromStep))
  await tx.run(sql`delete from tracking_batch where run_id = ${runId}`)
  await removeChunks(
    tx,
    cuts.flatMap(({ dropped }) => dropped),
  )
  await writeSealed(tx, runId, cuts, ({ sealed }) => sealed)
}

/** Drops the points with a step at or above `fromStep`, all at once. */
export const truncatePoints = async (
  { db, runs, sealer }: Rewriting,
  runId: number,
  fromStep: number,
): Promise<void> => {
  await sealer.seal(runId)
  for (;;) {
    try {
      await db.transaction((tx) => truncate(tx, runs, runId, fromStep))
      return
    } catch (error) {
      if (!(error instanceof StaleError)) throw error
    } finally {
      runs.forget(runId)
    }
  }
}

/** Removes what is left of a run in short transactions; may be called again after a crash. */
export const deletePoints = async ({ db, runs }: Rewriting, runId: number): Promise<void> => {
  await db.transaction(async (tx) => {
    await lockCounter(tx)
    // This row before the batches, as in sealing: two that lock in one order cannot deadlock.
    await tx.run(sql`delete from tracking_seal where run_id = ${runId}`)
    await tx.run(sql`delete from tracking_batch where run_id = ${runId}`)
    await tx.run(sql`delete from tracking_batch_key where run_id = ${runId}`)
  })
  runs.forget(runId)
  for (;;) {
    const rows = await db.rows<{ seriesId: number; firstId: number }>(sql`
      select c.series_id as "seriesId", c.first_id as "firstId" from tracking_series s
      join tracking_chunk c on c.series_id = s.id where s.run_id = ${runId} limit 256`)
    if (rows.length === 0) break
    const ids = rows.map(({ firstId }) => firstId)
    const series = [...new Set(rows.map(({ seriesId }) => seriesId))]
    await db.transaction(async (tx) => {
      await tx.run(sql`delete from tracking_chunk_data where first_id in ${ids}`)
      await tx.run(sql`
        delete from tracking_chunk where series_id in ${series} and first_id in ${ids}`)
    })
  }
  await db.run(sql`delete from tracking_series where run_id = ${runId}`)
  runs.forget(runId)
}

/** The columns of one append, from points in order of id. */
const toSeries = (points: readonly Point[]): SeriesInput[] => {
  const byName = new Map<string, { values: number[]; steps: number[]; times: number[] }>()
  for (const { name, value, step, time } of points) {
    let columns = byName.get(name)
    if (!columns) {
      columns = { values: [], steps: [], times: [] }
      byName.set(name, columns)
    }
    columns.values.push(value)
    columns.steps.push(step)
    columns.times.push(time)
  }
  return [...byName].map(([name, columns]) => ({ name, ...columns }))
}

/** Copies points to a run; when that fails the target is left without points. */
export const copyPoints = async (
  rewriting: Rewriting,
  from: number,
  to: number,
  belowStep = Infinity,
): Promise<void> => {
  const { db, runs, committer } = rewriting
  try {
    for await (const page of pointsSince(db, runs, from, 0)) {
      const series = toSeries(page.filter(({ step }) => step < belowStep))
      if (series.length > 0) await committer.append({ runId: to, series }, false)
    }
  } catch (error) {
    await deletePoints(rewriting, to)
    throw error
  }
}
