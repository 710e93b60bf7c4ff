/** Group commit: appends that arrive while a commit runs share the next one. */
import {
  type Clock,
  type Database,
  HearthError,
  type Queries,
  sql,
  type Transaction,
} from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'
import { RunGroup, type WrittenRun } from './group.ts'
import { encodePoints } from './payload.ts'
import { writeRows } from './rows.ts'
import type { Runs } from './runs.ts'
import type { RunState } from './state.ts'
import type { AppendInput, Appended } from './store.ts'
import type { Pending } from './suspects.ts'

/** Points of one group; a larger single batch makes a group of its own. */
const GROUP_POINTS = 131_072
/** Points that may wait; more are refused, so that memory stays bounded. */
const QUEUE_POINTS = 2_097_152

/** The longest wait for a group to fill up. */
const MAX_GATHER_MS = 2

interface Waiting extends Pending {
  resolve(result: Appended): void
  reject(error: unknown): void
}

const countPoints = (input: AppendInput): number => {
  let points = 0
  for (const { name, values, steps, times } of input.series) {
    const { length } = values
    if ((steps && steps.length !== length) || (times && times.length !== length)) {
      throw new HearthError('bad_request', `Columns of "${name}" differ in length`)
    }
    points += length
  }
  return points
}

export class Committer {
  readonly #db: Database
  readonly #clock: Clock
  readonly #runs: Runs
  readonly #committed: (runs: readonly WrittenRun[]) => Promise<void> | undefined
  #queue: Waiting[] = []
  #queuedPoints = 0
  #running: Promise<void> | null = null
  /** The next id as this process last saw it; another value means that another server wrote. */
  #nextId = 0
  #epoch = 1

  /** `committed` hears of a commit before its appends resolve; its promise delays the next. */
  constructor(
    db: Database,
    clock: Clock,
    runs: Runs,
    committed: (runs: readonly WrittenRun[]) => Promise<void> | undefined,
  ) {
    this.#db = db
    this.#clock = clock
    this.#runs = runs
    this.#committed = committed
  }

  append(input: AppendInput, checkRepeats = true): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const points = countPoints(input)
      if (this.#queuedPoints > 0 && this.#queuedPoints + points > QUEUE_POINTS) {
        const headers = { 'retry-after': '1' }
        throw new HearthError('unavailable', 'Too many points are waiting to be stored', {
          headers,
        })
      }
      const arrived = Math.floor(this.#clock.now() * 1000)
      this.#queue.push({ input, points, arrived, checkRepeats, resolve, reject })
      this.#queuedPoints += points
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // Requests that arrived together are handled in one turn of the loop: they share the commit.
    await breathe()
    while (this.#queue.length > 0) {
      const group = this.#take()
      const began = performance.now()
      try {
        const { results, written } = await this.#commit(group)
        const held = this.#committed(written)
        for (const entry of group) entry.resolve(results.get(entry) as Appended)
        await (held ?? this.#gather(group.length, performance.now() - began))
      } catch (error) {
        for (const entry of group) entry.reject(error)
      }
    }
    this.#running = null
  }

  /**
   * Callers that were just answered tend to ask again at once: a group as large as the last one is
   * worth a wait of a fraction of what a commit takes.
   */
  async #gather(groupSize: number, commitMs: number): Promise<void> {
    const until = performance.now() + Math.min(MAX_GATHER_MS, commitMs / 2)
    do await breathe()
    while (this.#queue.length < groupSize && groupSize > 1 && performance.now() < until)
  }

  #take(): Waiting[] {
    let points = 0
    let size = 0
    for (const entry of this.#queue) {
      if (size > 0 && points + entry.points > GROUP_POINTS) break
      points += entry.points
      size++
    }
    const group = this.#queue.slice(0, size)
    this.#queue = this.#queue.slice(size)
    this.#queuedPoints -= points
    return group
  }

  async #commit(group: readonly Waiting[]) {
    const byRun = new Map<number, Waiting[]>()
    for (const entry of group) {
      const entries = byRun.get(entry.input.runId)
      if (entries) entries.push(entry)
      else byRun.set(entry.input.runId, [entry])
    }
    const results = new Map<Pending, Appended>()
    const written: WrittenRun[] = []
    const next = await this.#db.transaction(async (tx) => {
      written.length = 0
      const first = await lockCounter(tx)
      if (first !== this.#nextId) this.#epoch++
      let nextId = first
      for (const [runId, entries] of byRun) {
        const state = await this.#stateFor(tx, runId, entries)
        const run = await new RunGroup(this.#runs, state, entries).write(tx, nextId, results)
        if (!run) continue
        written.push(run)
        nextId += run.points.count
      }
      if (nextId !== first) {
        await writeRows(tx, written.filter(hasPoints).map(batchRow), insertBatch)
        await tx.run(sql`update tracking_counter set next_id = ${nextId} where id = 1`)
      }
      return nextId
    })
    this.#nextId = next
    this.#runs.commits++
    for (const run of written) this.#remember(run)
    return { results, written }
  }

  /** The run in memory; read again where another server may have written what repeats depend on. */
  async #stateFor(tx: Queries, runId: number, entries: readonly Pending[]): Promise<RunState> {
    const known = this.#runs.peek(runId)
    const hasTimes = entries.some(({ input }) => input.series.some(({ times }) => times))
    if (known && (known.epoch === this.#epoch || !hasTimes)) return known
    const state = await this.#runs.refresh(tx, runId)
    state.epoch = this.#epoch
    return state
  }

  #remember({ runId, points, created, isNew, state: written }: WrittenRun): void {
    const state = this.#runs.peek(runId)
    if (!state) return
    if (isNew && state.version === 0) state.version = 1
    for (const [name, { id, coverage }] of created) {
      state.addSeries({ id, name, sealed: null, tailId: null }).coverage.addAll(coverage)
    }
    state.unsealed += points.count
    if (state === written) return
    // Another copy was loaded meanwhile, perhaps before these points were there to be seen.
    const { keys, steps, times, count } = points
    for (let i = 0; i < count; i++) {
      const series = state.byId.get(keys[i] as number)
      series?.coverage.addPoint(steps[i] as number, times[i] as number)
    }
  }
}

const insertBatch = 'insert into tracking_batch (first_id, run_id, payload)'

const hasPoints = ({ points }: WrittenRun): boolean => points.count > 0

const batchRow = ({ firstId, runId, points }: WrittenRun) => [firstId, runId, encodePoints(points)]

/** Takes the one row that orders all commits, of all servers, until the transaction ends. */
export const lockCounter = async (tx: Transaction): Promise<number> => {
  const forUpdate = tx.dialect === 'postgres' ? sql` for update` : sql``
  const [row] = await tx.rows<{ next_id: number }>(
    sql`select next_id from tracking_counter where id = 1${forUpdate}`,
  )
  if (!row) throw new Error('tracking_counter is empty')
  return row.next_id
}
