/** Reads sealed chunks: their summaries of a whole series at once, their points as needed. */
import { type Queries, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'
import { type Columns, PackedPoints } from './payload.ts'
import type { PayloadCache } from './payload-cache.ts'
import { readVersion, StaleError } from './runs.ts'
import type { RunState, Series } from './state.ts'
import { At, SUMMARY_LENGTH, summaryFrom } from './summary.ts'

/** Points of a full chunk: few, so that a bucket's edge is cheap to read; enough to pack well. */
export const CHUNK_POINTS = 1024

const NO_CHUNKS = new Float64Array(0)

/** Rows asked for in one statement, so that none holds up the event loop for long. */
const PAGE = 128
const INDEX_PAGE = 4096

/** Packs the summaries of one series, in order of id. */
const pack = (summaries: readonly Uint8Array[]): Float64Array => {
  const index = new Float64Array(summaries.length * SUMMARY_LENGTH)
  const bytes = new Uint8Array(index.buffer)
  summaries.forEach((summary, i) => bytes.set(summary, i * SUMMARY_LENGTH * 8))
  return index
}

const readIndex = async (q: Queries, seriesId: number): Promise<Float64Array> => {
  const summaries: Uint8Array[] = []
  for (let after = -1; ;) {
    const rows = await q.rows<{ first_id: number; summary: Uint8Array }>(sql`
      select first_id, summary from tracking_chunk
      where series_id = ${seriesId} and first_id > ${after} order by first_id limit ${INDEX_PAGE}`)
    for (const row of rows) summaries.push(row.summary)
    const last = rows.at(-1)
    if (!last || rows.length < INDEX_PAGE) return pack(summaries)
    after = last.first_id
    await breathe()
  }
}

const readAllIndexes = async (q: Queries, runId: number): Promise<Map<number, Float64Array>> => {
  const found = new Map<number, Uint8Array[]>()
  const rows = await q.rows<{ series_id: number; summary: Uint8Array }>(sql`
    select c.series_id, c.summary from tracking_series s
    join tracking_chunk c on c.series_id = s.id
    where s.run_id = ${runId} order by c.series_id, c.first_id`)
  for (const { series_id: id, summary } of rows) {
    const summaries = found.get(id)
    if (summaries) summaries.push(summary)
    else found.set(id, [summary])
  }
  return new Map([...found].map(([id, summaries]) => [id, pack(summaries)]))
}

/**
 * Makes sure that `index` of each series is there and true for the state's version.
 * @throws StaleError
 */
export const loadIndexes = async (
  q: Queries,
  state: RunState,
  wanted: readonly Series[],
): Promise<void> => {
  const { version } = state
  const missing: Series[] = []
  for (const series of wanted) {
    if (series.index) continue
    if ((series.sealed[At.count] as number) > 0) missing.push(series)
    else series.index = NO_CHUNKS
  }
  if (missing.length === 0) return
  const found = new Map<number, Float64Array>()
  if (missing.length > 8) {
    for (const [id, index] of await readAllIndexes(q, state.runId)) found.set(id, index)
  } else {
    for (const { id } of missing) found.set(id, await readIndex(q, id))
  }
  if ((await readVersion(q, state.runId)) !== version || state.version !== version) {
    throw new StaleError()
  }
  for (const series of missing) setIndex(state, series, found.get(series.id) ?? NO_CHUNKS)
}

export const setIndex = (state: RunState, series: Series, index: Float64Array): void => {
  state.indexBytes += index.byteLength - (series.index?.byteLength ?? 0)
  series.index = index
}

/** Where the points of a chunk are: enough to read it, without its points. */
export interface ChunkRef {
  readonly series: Series
  readonly firstId: number
  readonly count: number
  /** Of its summary in `index`. */
  readonly index: Float64Array
  readonly at: number
}

/** One field of a chunk's summary. */
export const fieldOf = (ref: ChunkRef, place: number): number => ref.index[ref.at + place] as number

export const chunksOf = (series: Series): ChunkRef[] => {
  const index = series.index ?? NO_CHUNKS
  const refs: ChunkRef[] = []
  for (let at = 0; at < index.length; at += SUMMARY_LENGTH) {
    const firstId = index[at + At.minId] as number
    refs.push({ series, firstId, count: index[at + At.count] as number, index, at })
  }
  return refs
}

/**
 * The points that a reference stands for. A chunk that grew meanwhile is cut to what the reference
 * says: the newer points are in the reader's batches. Null when it is another chunk by now: ids
 * grow within a chunk, so one with the same count and the same first and last id is the same.
 */
const pointsOf = ({ count, index, at }: ChunkRef, packed: PackedPoints): Columns | null =>
  packed.count >= count && packed.keyAt(count - 1) === index[at + At.maxId]
    ? packed.take(count)
    : null

/**
 * Yields the points of chunks, in any order. `keys` are ids.
 * @throws StaleError when a chunk is gone or was cut since its reference was made
 */
export async function* readChunks(
  q: Queries,
  refs: readonly ChunkRef[],
  cache?: PayloadCache,
): AsyncGenerator<readonly [ChunkRef, Columns]> {
  for (let from = 0; from < refs.length; from += PAGE) {
    const page = new Map<number, ChunkRef>()
    for (const ref of refs.slice(from, from + PAGE)) {
      const packed = cache?.get(ref.firstId)
      const points = packed && pointsOf(ref, packed)
      if (points) yield [ref, points]
      else page.set(ref.firstId, ref)
    }
    if (page.size === 0) continue
    if (from > 0) await breathe()
    const rows = await q.rows<{ first_id: number; payload: Uint8Array }>(sql`
      select first_id, payload from tracking_chunk_data where first_id in ${[...page.keys()]}`)
    if (rows.length !== page.size) throw new StaleError()
    for (const { first_id: firstId, payload } of rows) {
      const ref = page.get(firstId) as ChunkRef
      const packed = new PackedPoints(payload)
      const points = pointsOf(ref, packed)
      if (!points) throw new StaleError()
      cache?.set(firstId, packed)
      yield [ref, points]
    }
  }
}
