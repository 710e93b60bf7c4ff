/** Appends on their way into one transaction: which points are new, and where they go. */
import { type Queries, sql } from '../../../src/sdk.ts'
import { type Columns, encodePoints } from './payload.ts'
import { addSuspect, findKnown, pointKey, type Suspects } from './repeats.ts'
import { writeRows } from './rows.ts'
import type { Runs } from './runs.ts'
import type { RunState } from './state.ts'
import type { AppendInput, Appended } from './store.ts'

/** One call of `append` that waits for its commit. */
export interface Pending {
  readonly input: AppendInput
  readonly points: number
  /** Microseconds since the epoch, given to points that came without a time. */
  readonly arrived: number
  /** Absent only for copies, whose points are new by definition. */
  readonly checkRepeats: boolean
}

/** What a commit wrote of one run, for the memory of this process and for listeners. */
export interface WrittenRun {
  readonly runId: number
  readonly firstId: number
  /** `keys` are series. */
  readonly points: Columns
  readonly created: ReadonlyMap<string, number>
  readonly isNew: boolean
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
): Promise<Map<string, number>> => {
  const created = new Map<string, number>()
  const rows = [...names].map((name) => sql`(${runId}, ${name})`)
  await writeRows(
    tx,
    rows,
    (values) => sql`
    insert into tracking_series (run_id, name) values ${values}
    on conflict (run_id, name) do nothing`,
  )
  const wanted = [...names]
  for (let from = 0; from < wanted.length; from += 256) {
    const found = await tx.rows<{ id: number; name: string }>(sql`
      select id, name from tracking_series
      where run_id = ${runId} and name in ${wanted.slice(from, from + 256)}`)
    for (const { id, name } of found) created.set(name, id)
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
  #created: Map<string, number> = new Map()

  constructor(runs: Runs, state: RunState, entries: readonly Pending[]) {
    this.#runs = runs
    this.#state = state
    this.#entries = entries
  }

  /** Writes the run's part of the group, with ids from `firstId` on; answers what was written. */
  async write(
    tx: Queries,
    firstId: number,
    results: Map<Pending, Appended>,
  ): Promise<WrittenRun | null> {
    const { runId, version } = this.#state
    const known = await knownBatches(tx, runId, this.#entries)
    const fresh = this.#pickFresh(known, results)
    await this.#nameSeries(tx, fresh)
    const { filling, keys } = await this.#fill(tx, fresh, firstId, results, known)
    this.#answerAliases(known, results)
    const points = filling.done()
    await writeRows(
      tx,
      keys,
      (values) => sql`
      insert into tracking_batch_key (run_id, batch_id, first_id, stored, repeated, at)
      values ${values}`,
    )
    if (points.count === 0 && this.#created.size === 0) return null
    if (version === 0) {
      await tx.run(sql`
        insert into tracking_seal (run_id, version) values (${runId}, 1)
        on conflict (run_id) do nothing`)
    }
    if (points.count > 0) {
      await tx.run(sql`
        insert into tracking_batch (first_id, run_id, payload)
        values (${firstId}, ${runId}, ${encodePoints(points)})`)
    }
    return { runId, firstId, points, created: this.#created, isNew: version === 0 }
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

  async #nameSeries(tx: Queries, fresh: readonly Pending[]): Promise<void> {
    const unknown = new Set<string>()
    for (const { input } of fresh) {
      for (const { name, values } of input.series) {
        if (values.length > 0 && !this.#state.series.has(name)) unknown.add(name)
      }
    }
    if (unknown.size > 0) this.#created = await createSeries(tx, this.#state.runId, unknown)
  }

  #idOf(name: string): number {
    return this.#state.series.get(name)?.id ?? (this.#created.get(name) as number)
  }

  async #fill(
    tx: Queries,
    fresh: readonly Pending[],
    firstId: number,
    results: Map<Pending, Appended>,
    known: Map<string, Result>,
  ) {
    const filling = new Filling(fresh.reduce((sum, { points }) => sum + points, 0))
    const suspects = this.#suspects(fresh)
    const stored =
      suspects.size > 0 ? await findKnown(tx, this.#runs, this.#state.runId, suspects) : null
    const keys = []
    for (const entry of fresh) {
      const before = filling.count
      const repeat = this.#fillEntry(filling, entry, firstId, suspects, stored)
      const count = filling.count - before
      const result = {
        firstId: count === 0 && repeat !== null ? repeat : firstId + before,
        stored: count,
        repeated: entry.points - count,
      }
      results.set(entry, { ...result, time: entry.arrived })
      const { batchId, runId } = entry.input
      if (batchId === undefined) continue
      known.set(batchId, result)
      keys.push(sql`(${runId}, ${batchId}, ${result.firstId}, ${result.stored},
        ${result.repeated}, ${Math.floor(entry.arrived / 1000)})`)
    }
    return { filling, keys }
  }

  /** Copies the points that are new; answers the id of the first that is not, if any. */
  #fillEntry(
    filling: Filling,
    entry: Pending,
    firstId: number,
    suspects: ReadonlyMap<number, Suspects>,
    stored: ReadonlyMap<number, Map<string, number>> | null,
  ): number | null {
    let repeat: number | null = null
    for (const { name, values, steps, times } of entry.input.series) {
      const { length } = values
      if (length === 0) continue
      const id = this.#idOf(name)
      const known = suspects.has(id) ? stored?.get(id) : undefined
      let at = filling.count
      for (let i = 0; i < length; i++) {
        const step = steps ? (steps[i] as number) : 0
        const time = times ? (times[i] as number) : entry.arrived
        const value = values[i] as number
        if (known) {
          const key = pointKey(step, time, value)
          const same = times && entry.checkRepeats ? known.get(key) : undefined
          if (same !== undefined) {
            repeat ??= same
            continue
          }
          known.set(key, firstId + at)
        }
        filling.keys[at] = id
        filling.steps[at] = step
        filling.times[at] = time
        filling.values[at] = value
        at++
      }
      filling.count = at
    }
    return repeat
  }

  /** Where points may be repeats: given a time, and neither a new highest step nor time. */
  #suspects(fresh: readonly Pending[]): Map<number, Suspects> {
    const suspects = new Map<number, Suspects>()
    const highest = new Map<number, { step: number; time: number }>()
    for (const { input, arrived, checkRepeats } of fresh) {
      for (const { name, values, steps, times } of input.series) {
        if (values.length === 0) continue
        const id = this.#idOf(name)
        let high = highest.get(id)
        if (!high) {
          const series = this.#state.series.get(name)
          high = { step: series?.maxStep ?? -Infinity, time: series?.maxTime ?? -Infinity }
          highest.set(id, high)
        }
        for (let i = 0; i < values.length; i++) {
          const step = steps ? (steps[i] as number) : 0
          const time = times ? (times[i] as number) : arrived
          if (times && checkRepeats && step <= high.step && time <= high.time) {
            addSuspect(suspects, id, step, time)
          }
          if (step > high.step) high.step = step
          if (time > high.time) high.time = time
        }
      }
    }
    return suspects
  }
}
