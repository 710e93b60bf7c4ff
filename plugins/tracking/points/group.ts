/** Appends on their way into one transaction: which points are new, and where they go. */
import { type Queries, sql } from '../../../src/sdk.ts'
import { Coverage } from './coverage.ts'
import type { Columns } from './payload.ts'
import { findKnown, type Known, pointKey } from './repeats.ts'
import { writeRows } from './rows.ts'
import type { Runs } from './runs.ts'
import type { RunState } from './state.ts'
import type { Appended } from './store.ts'
import { type Entry, type Pending, suspectsOf, type Target } from './suspects.ts'

/** What a commit wrote of one run, for the memory of this process and for listeners. */
export interface WrittenRun {
  readonly runId: number
  readonly firstId: number
  /** `keys` are series. */
  readonly points: Columns
  readonly created: ReadonlyMap<string, Target>
  readonly isNew: boolean
  /** The copy of the run in memory that its coverage was added to. */
  readonly state: RunState
}

interface Result {
  firstId: number
  stored: number
  repeated: number
}

/** Columns that are filled from the front. */
class Filling {
  readonly keys: Float64Array
  readonly steps: Float64Array
  readonly times: Float64Array
  readonly values: Float64Array
  count = 0

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity)
    this.steps = new Float64Array(capacity)
    this.times = new Float64Array(capacity)
    this.values = new Float64Array(capacity)
  }

  done(): Columns {
    const { count } = this
    if (count === this.keys.length) return this
    return {
      count,
      keys: this.keys.subarray(0, count),
      steps: this.steps.subarray(0, count),
      times: this.times.subarray(0, count),
      values: this.values.subarray(0, count),
    }
  }
}

/** Ids of names the run has not had yet, made in the group's transaction. */
const createSeries = async (
  tx: Queries,
  runId: number,
  names: ReadonlySet<string>,
): Promise<Map<string, Target>> => {
  const created = new Map<string, Target>()
  await writeRows(
    tx,
    [...names].map((name) => [runId, name]),
    'insert into tracking_series (run_id, name)',
    'on conflict (run_id, name) do nothing',
  )
  const wanted = [...names]
  for (let from = 0; from < wanted.length; from += 256) {
    const found = await tx.rows<{ id: number; name: string }>(sql`
      select id, name from tracking_series
      where run_id = ${runId} and name in ${wanted.slice(from, from + 256)}`)
    for (const { id, name } of found) created.set(name, { id, coverage: new Coverage() })
  }
  return created
}

/** Results of batches this run acknowledged before. */
const knownBatches = async (
  tx: Queries,
  runId: number,
  entries: readonly Pending[],
): Promise<Map<string, Result>> => {
  const ids = entries.map(({ input }) => input.batchId).filter((id) => id !== undefined)
  const known = new Map<string, Result>()
  for (let from = 0; from < ids.length; from += 64) {
    const rows = await tx.rows<Result & { batchId: string }>(sql`
      select batch_id as "batchId", first_id as "firstId", stored, repeated
      from tracking_batch_key
      where run_id = ${runId} and batch_id in ${ids.slice(from, from + 64)}`)
    for (const { batchId, firstId, stored, repeated } of rows) {
      known.set(batchId, { firstId, stored, repeated })
    }
  }
  return known
}

/** All appends of one run in one group. */
export class RunGroup {
  readonly #runs: Runs
  readonly #state: RunState
  readonly #entries: readonly Pending[]
  #created: Map<string, Target> = new Map()

  constructor(runs: Runs, state: RunState, entries: readonly Pending[]) {
    this.#runs = runs
    this.#state = state
    this.#entries = entries
  }

  /** Writes all but the points, which get ids from `firstId` on; answers what there is to write. */
  async write(
    tx: Queries,
    firstId: number,
    results: Map<Pending, Appended>,
  ): Promise<WrittenRun | null> {
    const { runId, version } = this.#state
    const state = this.#state
    const known = await knownBatches(tx, runId, this.#entries)
    const fresh = this.#pickFresh(known, results)
    const entries = await this.#findTargets(tx, fresh)
    const { filling, keys } = await this.#fill(tx, entries, firstId, results, known)
    this.#answerAliases(known, results)
    const points = filling.done()
    await writeRows(
      tx,
      keys,
      'insert into tracking_batch_key (run_id, batch_id, first_id, stored, repeated, at)',
    )
    if (points.count === 0 && this.#created.size === 0) return null
    if (version === 0) {
      await tx.run(sql`
        insert into tracking_seal (run_id, version) values (${runId}, 1)
        on conflict (run_id) do nothing`)
    }
    return { runId, firstId, points, created: this.#created, isNew: version === 0, state }
  }

  /** Entries to be stored: batches that are known, or twice in the group, are left out. */
  #pickFresh(known: ReadonlyMap<string, Result>, results: Map<Pending, Appended>): Pending[] {
    const seen = new Set<string>()
    return this.#entries.filter((entry) => {
      const { batchId } = entry.input
      if (batchId === undefined) return true
      const before = known.get(batchId)
      if (before) results.set(entry, { ...before, time: entry.arrived })
      if (before || seen.has(batchId)) return false
      seen.add(batchId)
      return true
    })
  }

  #answerAliases(known: ReadonlyMap<string, Result>, results: Map<Pending, Appended>): void {
    for (const entry of this.#entries) {
      const before = entry.input.batchId === undefined ? null : known.get(entry.input.batchId)
      if (before && !results.has(entry)) results.set(entry, { ...before, time: entry.arrived })
    }
  }

  async #findTargets(tx: Queries, fresh: readonly Pending[]): Promise<Entry[]> {
    const unknown = new Set<string>()
    const { series: known, runId } = this.#state
    const entries = fresh.map((pending) => {
      const targets = pending.input.series.map(({ name, values }): Target | undefined => {
        const series = known.get(name)
        if (!series && values.length > 0) unknown.add(name)
        return series
      })
      return { pending, targets }
    })
    if (unknown.size === 0) return entries
    const created = await createSeries(tx, runId, unknown)
    this.#created = created
    for (const { pending, targets } of entries) {
      pending.input.series.forEach(({ name }, i) => {
        targets[i] ??= created.get(name)
      })
    }
    return entries
  }

  async #fill(
    tx: Queries,
    entries: readonly Entry[],
    firstId: number,
    results: Map<Pending, Appended>,
    known: Map<string, Result>,
  ) {
    const filling = new Filling(entries.reduce((sum, { pending }) => sum + pending.points, 0))
    const suspects = suspectsOf(entries)
    const stored =
      suspects.size > 0 ? await findKnown(tx, this.#runs, this.#state.runId, suspects) : null
    const keys: unknown[][] = []
    for (const entry of entries) {
      const { input, points, arrived } = entry.pending
      const before = filling.count
      const repeat = fillEntry(filling, entry, firstId, stored)
      const count = filling.count - before
      const result = {
        firstId: count === 0 && repeat !== null ? repeat : firstId + before,
        stored: count,
        repeated: points - count,
      }
      results.set(entry.pending, { ...result, time: arrived })
      const { batchId, runId } = input
      if (batchId === undefined) continue
      known.set(batchId, result)
      const millis = Math.floor(arrived / 1000)
      keys.push([runId, batchId, result.firstId, result.stored, result.repeated, millis])
    }
    return { filling, keys }
  }
}

/** Copies the points that are new; answers the id of the first that is not, if any. */
const fillEntry = (
  filling: Filling,
  { pending, targets }: Entry,
  firstId: number,
  stored: Known | null,
): number | null => {
  let repeat: number | null = null
  pending.input.series.forEach(({ values, steps, times }, index) => {
    const target = targets[index]
    if (!target) return
    const known = stored?.get(target.id)
    let at = filling.count
    for (let i = 0; i < values.length; i++) {
      const step = steps ? (steps[i] as number) : 0
      const time = times ? (times[i] as number) : pending.arrived
      const value = values[i] as number
      if (known) {
        const key = pointKey(step, time, value)
        const same = times && pending.checkRepeats ? known.get(key) : undefined
        if (same !== undefined) {
          repeat ??= same
          continue
        }
        known.set(key, firstId + at)
        // The search may have replaced the coverage that already held it.
        target.coverage.addPoint(step, time)
      }
      filling.keys[at] = target.id
      filling.steps[at] = step
      filling.times[at] = time
      filling.values[at] = value
      at++
    }
    filling.count = at
  })
  return repeat
}
