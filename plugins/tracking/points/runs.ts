/** The runs in memory: loads them, keeps them in step with the database, forgets the oldest. */
import { HearthError, type Queries, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'
import { boxOf } from './coverage.ts'
import { decodePoints } from './payload.ts'
import type { PayloadCache } from './payload-cache.ts'
import { type OpenBatch, RunState, type Series, type SeriesRow } from './state.ts'
import { summaryFrom } from './summary.ts'

/** Somebody rewrote chunks between two statements of a reader, who must begin again. */
export class StaleError extends Error {
  override readonly name = 'StaleError'
}

const MAX_ATTEMPTS = 20

interface OpenRow {
  readonly version: number
  readonly first_id: number | null
  readonly payload: Uint8Array | null
}

/** The version of a run and its batches after one, seen at the same instant: in one statement. */
const readOpen = (q: Queries, runId: number, afterId: number): Promise<OpenRow[]> =>
  q.rows(sql`
    select s.version, b.first_id, b.payload from tracking_seal s
    left join tracking_batch b on b.run_id = s.run_id and b.first_id > ${afterId}
    where s.run_id = ${runId} order by b.first_id`)

export const readVersion = async (q: Queries, runId: number): Promise<number> => {
  const [row] = await q.rows<{ version: number }>(
    sql`select version from tracking_seal where run_id = ${runId}`,
  )
  return row?.version ?? 0
}

const decodeBatches = (rows: readonly OpenRow[]): OpenBatch[] => {
  const batches: OpenBatch[] = []
  for (const { first_id: firstId, payload } of rows) {
    if (firstId === null || !payload) continue
    const points = decodePoints(payload)
    batches.push({ firstId, ...points, box: boxOf(points.steps, points.times, points.count) })
  }
  return batches
}

interface RawSeries {
  readonly id: number
  readonly name: string
  readonly sealed: Uint8Array | null
  readonly tail_id: number | null
}

const readSeries = async (q: Queries, runId: number, afterId: number): Promise<SeriesRow[]> => {
  const rows = await q.rows<RawSeries>(sql`
    select id, name, sealed, tail_id from tracking_series
    where run_id = ${runId} and id > ${afterId} order by id`)
  return rows.map(({ id, name, sealed, tail_id: tailId }) => ({
    id,
    name,
    sealed: sealed && summaryFrom(sealed),
    tailId,
  }))
}

export class Runs {
  readonly #states = new Map<number, RunState>()
  readonly #maxBytes: number
  readonly #payloads: PayloadCache
  /** Counts commits of this process: a load that overlaps one may not know what it wrote. */
  commits = 0

  constructor(maxBytes: number, payloads: PayloadCache) {
    this.#maxBytes = maxBytes
    this.#payloads = payloads
  }

  /** The run if it is in memory, perhaps behind the database. */
  peek(runId: number): RunState | undefined {
    return this.#states.get(runId)
  }

  forget(runId: number): void {
    this.#states.delete(runId)
  }

  /** The run with all that was committed when this was called. */
  async refresh(q: Queries, runId: number): Promise<RunState> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const state = this.#states.get(runId)
      if (!state) return this.#load(q, runId)
      const rows = await readOpen(q, runId, state.seenId)
      if (this.#states.get(runId) !== state) continue
      if ((rows[0]?.version ?? 0) !== state.version) return this.#load(q, runId)
      const batches = decodeBatches(rows)
      if (hasUnknownSeries(state, batches)) {
        const { version } = state
        const known = await readSeries(q, runId, 0)
        if (state.version !== version) continue
        for (const row of known) state.addSeries(row)
      }
      state.addBatches(batches)
      this.#touch(state)
      return state
    }
    throw busy()
  }

  async #load(q: Queries, runId: number): Promise<RunState> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { commits } = this
      const open = await readOpen(q, runId, -1)
      const version = open[0]?.version ?? 0
      const series = await readSeries(q, runId, 0)
      if ((await readVersion(q, runId)) !== version) {
        await breathe()
        continue
      }
      const known = this.#states.get(runId)
      if (known && known.version === version) {
        // Another read loaded the same meanwhile, and may know more by now: nothing is taken back.
        const batches = decodeBatches(open)
        if (hasUnknownSeries(known, batches)) for (const row of series) known.addSeries(row)
        known.addBatches(batches)
        this.#touch(known)
        return known
      }
      const state = known ?? new RunState(runId, this.#payloads)
      state.reset(version, series)
      state.addBatches(decodeBatches(open))
      state.unsealed = state.openPoints
      if (known || commits === this.commits) this.#touch(state)
      return state
    }
    throw busy()
  }

  /** Runs `work` on the refreshed run, again when a rewrite of its chunks came in between. */
  async consistently<T>(
    q: Queries,
    runId: number,
    work: (state: RunState) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const state = await this.refresh(q, runId)
      try {
        return await work(state)
      } catch (error) {
        if (!(error instanceof StaleError)) throw error
        await breathe()
      }
    }
    throw busy()
  }

  #touch(state: RunState): void {
    this.#states.delete(state.runId)
    this.#states.set(state.runId, state)
    let total = 0
    for (const each of this.#states.values()) total += each.sizeBytes
    for (const [runId, each] of this.#states) {
      if (total <= this.#maxBytes || each === state) break
      total -= each.sizeBytes
      this.#states.delete(runId)
    }
  }
}

const hasUnknownSeries = (state: RunState, batches: readonly OpenBatch[]): boolean => {
  for (const { keys, count } of batches) {
    let known: Series | undefined
    for (let i = 0; i < count; i++) {
      if (known?.id === keys[i]) continue
      known = state.byId.get(keys[i] as number)
      if (!known) return true
    }
  }
  return false
}

const busy = (): HearthError =>
  new HearthError('unavailable', 'The points of this run are being rewritten; try again')
