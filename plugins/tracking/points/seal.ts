/** Turns the open batches of a run into column chunks, one series each. */
import { type Database, type Queries, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'
import { CHUNK_POINTS, setIndex } from './chunks.ts'
import {
  addRange,
  type Chunk,
  chunksBehind,
  chunksOfRange,
  groupBySeries,
  type Range,
} from './cut.ts'
import { type Columns, decodePoints } from './payload.ts'
import { writeRows } from './rows.ts'
import { StaleError } from './runs.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import { At, mergeSummary, type Summary, SUMMARY_LENGTH, summaryBytes } from './summary.ts'

/** Points handled between two pauses for the rest of the server. */
const SLICE_POINTS = 16_384
/** Series whose newest chunks are read with one statement. */
const TAILS = 64
/** Chunks of fewer points are always filled up. */
const SMALL_CHUNK_POINTS = 128
/** Points sealed in one transaction. */
const MAX_POINTS = 262_144

/** What sealing changes of one series. */
export interface SealedSeries {
  readonly series: Series
  readonly sealed: Summary
  readonly chunks: readonly Chunk[]
  readonly tailId: number | null
}

const readTails = async (q: Queries, ids: readonly number[]): Promise<Map<number, Columns>> => {
  const rows = await q.rows<{ first_id: number; payload: Uint8Array }>(sql`
    select first_id, payload from tracking_chunk_data where first_id in ${ids}`)
  if (rows.length !== ids.length) throw new StaleError()
  return new Map(rows.map((row) => [row.first_id, decodePoints(row.payload)]))
}

/**
 * Whether the next points of a series go into its newest chunk, given how many came last: a chunk
 * is written anew a few times, however little each sealing adds to it.
 */
const staysOpen = (count: number, added: number): boolean =>
  count < Math.min(CHUNK_POINTS, Math.max(SMALL_CHUNK_POINTS, 4 * added))

const planSeries = (series: Series, range: Range, tail: Columns | undefined): SealedSeries => {
  const chunks = tail ? chunksBehind(tail, range) : chunksOfRange(range)
  const sealed = addRange(series.sealed.slice(), range)
  const last = chunks.at(-1) as Chunk
  const count = last.summary[At.count] as number
  const tailId = staysOpen(count, range.to - range.from) ? last.firstId : null
  return { series, sealed, chunks, tailId }
}

/** Works out the chunks that batches become, merged into the last chunk of each series. */
const planSeal = async (
  q: Queries,
  state: RunState,
  batches: readonly OpenBatch[],
): Promise<SealedSeries[]> => {
  const groups = groupBySeries(batches)
  const touched = [...groups.keys()].map((id) => state.byId.get(id)).filter((s) => s !== undefined)
  const plans: SealedSeries[] = []
  let pending = 0
  for (let at = 0; at < touched.length; at += TAILS) {
    const part = touched.slice(at, at + TAILS)
    const ids = part.map(({ tailId }) => tailId).filter((id) => id !== null)
    const tails = ids.length > 0 ? await readTails(q, ids) : undefined
    for (const series of part) {
      const range = groups.get(series.id) as Range
      const tail = series.tailId === null ? undefined : tails?.get(series.tailId)
      plans.push(planSeries(series, range, tail))
      pending += range.to - range.from + (tail?.count ?? 0)
      if (pending < SLICE_POINTS) continue
      await breathe()
      pending = 0
    }
  }
  return plans
}

/** NaN has no place in SQL that compares: an absent value matches nothing, on both dialects. */
export const comparable = (value: number | undefined): number | null =>
  value === undefined || value !== value ? null : value

export const insertSeries = `insert into tracking_series (id, run_id, name, sealed, tail_id,
  last_value, last_step, min_value, max_value, mean_value, count)`

export const updateFigures = `last_value = excluded.last_value, last_step = excluded.last_step,
  min_value = excluded.min_value, max_value = excluded.max_value,
  mean_value = excluded.mean_value, count = excluded.count`

/** The row of a series: what is in chunks, and, for SQL to search, what is known in all. */
export const seriesRow = (
  runId: number,
  { id, name }: Series,
  sealed: Summary,
  tailId: number | null,
  total: Summary,
) => {
  const count = total[At.count] as number
  const hasFinite = (total[At.finite] as number) > 0
  const finite = (place: number) => (hasFinite ? (total[place] as number) : null)
  const last = count > 0 ? comparable(total[At.latestValue]) : null
  const lastStep = count > 0 ? (total[At.latestStep] as number) : null
  const range = [finite(At.min), finite(At.max), finite(At.mean)]
  return [id, runId, name, summaryBytes(sealed), tailId, last, lastStep, ...range, count]
}

/** Writes chunks and the rows of their series. */
export const writeSealed = async (
  tx: Queries,
  runId: number,
  plans: readonly SealedSeries[],
  totals: (plan: SealedSeries) => Summary,
): Promise<void> => {
  await writeRows(
    tx,
    plans.flatMap(({ chunks }) => chunks.map(({ firstId, payload }) => [firstId, payload])),
    'insert into tracking_chunk_data (first_id, payload)',
    'on conflict (first_id) do update set payload = excluded.payload',
  )
  await writeRows(
    tx,
    plans.flatMap(({ series, chunks }) =>
      chunks.map(({ firstId, summary }) => [series.id, firstId, summaryBytes(summary)]),
    ),
    'insert into tracking_chunk (series_id, first_id, summary)',
    'on conflict (series_id, first_id) do update set summary = excluded.summary',
  )
  await writeRows(
    tx,
    plans.map((plan) => seriesRow(runId, plan.series, plan.sealed, plan.tailId, totals(plan))),
    insertSeries,
    `on conflict (id) do update set sealed = excluded.sealed, tail_id = excluded.tail_id,
      ${updateFigures}`,
  )
}

/** Takes the run's chunks for one rewrite; false when somebody else was first. */
export const claim = async (tx: Queries, runId: number, version: number): Promise<boolean> =>
  (await tx.run(sql`
    update tracking_seal set version = version + 1
    where run_id = ${runId} and version = ${version}`)) === 1

const patchIndex = (state: RunState, { series, chunks, sealed, tailId }: SealedSeries): void => {
  if (series.index) {
    const first = (chunks[0] as Chunk).firstId
    let kept = series.index
    // The newest chunk had room and was written again.
    if (kept[kept.length - SUMMARY_LENGTH + At.minId] === first) {
      kept = kept.subarray(0, kept.length - SUMMARY_LENGTH)
    }
    const index = new Float64Array(kept.length + chunks.length * SUMMARY_LENGTH)
    index.set(kept)
    chunks.forEach(({ summary }, i) => index.set(summary, kept.length + i * SUMMARY_LENGTH))
    setIndex(state, series, index)
  }
  series.sealed = sealed
  series.tailId = tailId
}

/** Batches from the oldest on, as many as fit into one transaction. */
const oldest = (batches: readonly OpenBatch[]): OpenBatch[] => {
  let points = 0
  const taken: OpenBatch[] = []
  for (const batch of batches) {
    if (taken.length > 0 && points + batch.count > MAX_POINTS) break
    taken.push(batch)
    points += batch.count
  }
  return taken
}

/**
 * Seals batches of a refreshed run in one transaction: all of it happens or nothing. Answers how
 * many points went into chunks.
 * @throws StaleError when another server rewrote the run's chunks meanwhile
 */
export const sealRun = async (db: Database, state: RunState): Promise<number> => {
  const { version, runId } = state
  const batches = oldest(state.batches)
  const newest = batches.at(-1)
  if (!newest) return 0
  const plans = await planSeal(db, state, batches)
  if (state.version !== version) throw new StaleError()
  await db.transaction(async (tx) => {
    if (!(await claim(tx, runId, version))) throw new StaleError()
    const removed = await tx.run(sql`
      delete from tracking_batch where run_id = ${runId} and first_id <= ${newest.firstId}`)
    if (removed !== batches.length) throw new StaleError()
    await writeSealed(tx, runId, plans, ({ series }) => {
      const total = series.sealed.slice()
      mergeSummary(total, series.open)
      return total
    })
  })
  if (state.version === version) {
    for (const plan of plans) patchIndex(state, plan)
    state.dropBatches(batches.length)
    state.version = version + 1
  }
  return batches.reduce((points, batch) => points + batch.count, 0)
}
