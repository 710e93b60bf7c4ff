/** Turns the open batches of a run into column chunks, one series each. */
import { type Database, type Queries, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'
import { CHUNK_POINTS, setIndex } from './chunks.ts'
import { type Columns, columnsOf, concat, decodePoints, encodePoints } from './payload.ts'
import { writeRows } from './rows.ts'
import { StaleError } from './runs.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import {
  addPoint,
  At,
  emptySummary,
  mergeSummary,
  type Summary,
  SUMMARY_LENGTH,
  summaryBytes,
} from './summary.ts'

/** Points handled between two pauses for the rest of the server. */
const SLICE_POINTS = 16_384
/** Points sealed in one transaction. */
const MAX_POINTS = 262_144

export interface Chunk {
  readonly firstId: number
  readonly summary: Summary
  readonly payload: Uint8Array
}

/** What sealing changes of one series. */
export interface SealedSeries {
  readonly series: Series
  readonly sealed: Summary
  readonly chunks: readonly Chunk[]
  readonly tailId: number | null
}

/** The points of batches, those of one series together and in order of id. */
const groupBySeries = (batches: readonly OpenBatch[]): Map<number, Columns> => {
  const counts = new Map<number, number>()
  for (const { keys, count } of batches) {
    for (let i = 0; i < count;) {
      const key = keys[i] as number
      const from = i
      while (i < count && keys[i] === key) i++
      counts.set(key, (counts.get(key) ?? 0) + i - from)
    }
  }
  const groups = new Map<number, { points: Columns; filled: number }>()
  for (const [key, count] of counts) groups.set(key, { points: columnsOf(count), filled: 0 })
  for (const { firstId, keys, steps, times, values, count } of batches) {
    for (let i = 0; i < count;) {
      const key = keys[i] as number
      const group = groups.get(key) as { points: Columns; filled: number }
      const { points } = group
      let at = group.filled
      for (; i < count && keys[i] === key; i++, at++) {
        points.keys[at] = firstId + i
        points.steps[at] = steps[i] as number
        points.times[at] = times[i] as number
        points.values[at] = values[i] as number
      }
      group.filled = at
    }
  }
  return new Map([...groups].map(([key, { points }]) => [key, points]))
}

const slice = ({ keys, steps, times, values }: Columns, from: number, to: number): Columns => ({
  count: to - from,
  keys: keys.subarray(from, to),
  steps: steps.subarray(from, to),
  times: times.subarray(from, to),
  values: values.subarray(from, to),
})

const summaryOf = ({ keys, steps, times, values, count }: Columns): Summary => {
  const summary = emptySummary()
  for (let i = 0; i < count; i++) {
    addPoint(
      summary,
      keys[i] as number,
      steps[i] as number,
      times[i] as number,
      values[i] as number,
    )
  }
  return summary
}

/** Cuts points of one series, in order of id, into chunks. */
export const chunksFrom = (points: Columns): Chunk[] => {
  const chunks: Chunk[] = []
  for (let from = 0; from < points.count; from += CHUNK_POINTS) {
    const part = slice(points, from, Math.min(from + CHUNK_POINTS, points.count))
    chunks.push({
      firstId: part.keys[0] as number,
      summary: summaryOf(part),
      payload: encodePoints(part),
    })
  }
  return chunks
}

const readTails = async (q: Queries, ids: readonly number[]): Promise<Map<number, Columns>> => {
  const tails = new Map<number, Columns>()
  for (let from = 0; from < ids.length; from += 64) {
    const rows = await q.rows<{ first_id: number; payload: Uint8Array }>(sql`
      select first_id, payload from tracking_chunk_data
      where first_id in ${ids.slice(from, from + 64)}`)
    for (const row of rows) tails.set(row.first_id, decodePoints(row.payload))
    await breathe()
  }
  if (tails.size !== ids.length) throw new StaleError()
  return tails
}

/** Works out the chunks that batches become, merged into the last chunk of each series. */
export const planSeal = async (
  q: Queries,
  state: RunState,
  batches: readonly OpenBatch[],
): Promise<SealedSeries[]> => {
  const groups = groupBySeries(batches)
  const touched = [...groups.keys()].map((id) => state.byId.get(id)).filter((s) => s !== undefined)
  const wanted = touched.map(({ tailId }) => tailId).filter((id) => id !== null)
  const tails = await readTails(q, wanted)
  const plans: SealedSeries[] = []
  let pending = 0
  for (const series of touched) {
    const points = groups.get(series.id) as Columns
    const tail = series.tailId === null ? undefined : tails.get(series.tailId)
    const chunks = chunksFrom(tail ? concat([tail, points]) : points)
    const sealed = series.sealed.slice()
    mergeSummary(sealed, summaryOf(points))
    const last = chunks.at(-1) as Chunk
    const tailId = (last.summary[At.count] as number) < CHUNK_POINTS ? last.firstId : null
    plans.push({ series, sealed, chunks, tailId })
    pending += points.count
    if (pending >= SLICE_POINTS) {
      await breathe()
      pending = 0
    }
  }
  return plans
}

/** NaN has no place in SQL that compares: an absent value matches nothing, on both dialects. */
export const comparable = (value: number | undefined): number | null =>
  value === undefined || value !== value ? null : value

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
  return sql`(${id}, ${runId}, ${name}, ${summaryBytes(sealed)}, ${tailId}, ${last}, ${lastStep},
    ${finite(At.min)}, ${finite(At.max)}, ${finite(At.mean)}, ${count})`
}

/** Writes chunks and the rows of their series. */
export const writeSealed = async (
  tx: Queries,
  runId: number,
  plans: readonly SealedSeries[],
  totals: (plan: SealedSeries) => Summary,
): Promise<void> => {
  const chunks = plans.flatMap(({ series, chunks }) => chunks.map((chunk) => ({ series, chunk })))
  const data = chunks.map(({ chunk }) => sql`(${chunk.firstId}, ${chunk.payload})`)
  await writeRows(
    tx,
    data,
    (values) => sql`
    insert into tracking_chunk_data (first_id, payload) values ${values}
    on conflict (first_id) do update set payload = excluded.payload`,
  )
  const index = chunks.map(
    ({ series, chunk }) => sql`(${series.id}, ${chunk.firstId}, ${summaryBytes(chunk.summary)})`,
  )
  await writeRows(
    tx,
    index,
    (values) => sql`
    insert into tracking_chunk (series_id, first_id, summary) values ${values}
    on conflict (series_id, first_id) do update set summary = excluded.summary`,
  )
  const rows = plans.map((plan) =>
    seriesRow(runId, plan.series, plan.sealed, plan.tailId, totals(plan)),
  )
  await writeRows(
    tx,
    rows,
    (values) => sql`
    insert into tracking_series (id, run_id, name, sealed, tail_id, last_value, last_step,
      min_value, max_value, mean_value, count) values ${values}
    on conflict (id) do update set sealed = excluded.sealed, tail_id = excluded.tail_id,
      last_value = excluded.last_value, last_step = excluded.last_step,
      min_value = excluded.min_value, max_value = excluded.max_value,
      mean_value = excluded.mean_value, count = excluded.count`,
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
