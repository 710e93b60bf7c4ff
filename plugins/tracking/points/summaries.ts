/** Summaries of series, for people and for SQL. */
import { type Database, type Queries, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'
import { writeRows } from './rows.ts'
import { type Runs, StaleError } from './runs.ts'
import { seriesRow, insertSeries, updateFigures } from './seal.ts'
import type { RunState, Series } from './state.ts'
import type { SeriesSummary } from './store.ts'
import { At, mergeSummary, type Summary } from './summary.ts'

export const totalOf = ({ sealed, open }: Series): Summary => {
  const total = sealed.slice()
  mergeSummary(total, open)
  return total
}

const describe = (name: string, total: Summary): SeriesSummary => {
  const get = (place: number): number => total[place] as number
  const finite = get(At.finite)
  return {
    name,
    last: get(At.latestValue),
    lastStep: get(At.latestStep),
    lastTime: get(At.maxTime),
    min: finite > 0 ? get(At.min) : null,
    max: finite > 0 ? get(At.max) : null,
    mean: finite > 0 ? get(At.mean) : null,
    count: get(At.count),
    nonFinite: get(At.count) - finite,
  }
}

const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

/** Of the series that have points, by name. */
export const summarize = (state: RunState, names?: readonly string[]): SeriesSummary[] => {
  const wanted = names
    ? [...new Set(names)].map((name) => state.series.get(name)).filter((s) => s !== undefined)
    : [...state.series.values()]
  return wanted
    .map((series) => describe(series.name, totalOf(series)))
    .filter(({ count }) => count > 0)
    .sort(byName)
}

/** Holds the run's chunks as they are until the transaction ends; false when they have changed. */
const hold = async (tx: Queries, state: RunState): Promise<boolean> => {
  const lock = tx.dialect === 'postgres' ? sql` for update` : sql``
  const [row] = await tx.rows<{ version: number }>(
    sql`select version from tracking_seal where run_id = ${state.runId}${lock}`,
  )
  // A run that was deleted meanwhile has no row, and nothing to be written.
  return (row?.version ?? 0) === state.version
}

/** Runs whose figures share a commit: thousands may have new points when somebody searches. */
const RUNS_PER_COMMIT = 64
const MAX_ATTEMPTS = 20

/** Writes what is known of the series with open points where plain SQL finds it. */
const writeFigures = (db: Database, runs: Runs, runIds: readonly number[]): Promise<void> =>
  db.transaction(async (tx) => {
    const rows: unknown[][] = []
    for (const runId of runIds) {
      const state = await runs.refresh(tx, runId)
      if (!(await hold(tx, state))) throw new StaleError()
      for (const series of state.byId.values()) {
        if ((series.open[At.count] as number) === 0) continue
        rows.push(seriesRow(runId, series, series.sealed, series.tailId, totalOf(series)))
      }
      await breathe()
    }
    const update = `on conflict (id) do update set ${updateFigures}`
    await writeRows(tx, rows, insertSeries, update)
  })

/** The same, again when a rewrite of chunks came in between. */
const flushRuns = async (db: Database, runs: Runs, runIds: readonly number[]): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await writeFigures(db, runs, runIds)
    } catch (error) {
      if (!(error instanceof StaleError) || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

/** Keeps the searchable columns of all series in step with their points, doing only what is new. */
export class SummaryFlush {
  readonly #db: Database
  readonly #runs: Runs
  /** Version and newest batch of each run with open batches, as of its last flush. */
  #flushed = new Map<number, string>()
  #running: Promise<void> | null = null

  constructor(db: Database, runs: Runs) {
    this.#db = db
    this.#runs = runs
  }

  /** One flush serves all that asked before it began. */
  async flush(): Promise<void> {
    if (this.#running) await this.#running
    this.#running ??= this.#flush().finally(() => {
      this.#running = null
    })
    await this.#running
  }

  async #flush(): Promise<void> {
    const open = await this.#db.rows<{ runId: number; version: number; newest: number }>(sql`
      select b.run_id as "runId", s.version, max(b.first_id) as newest
      from tracking_batch b join tracking_seal s on s.run_id = b.run_id
      group by b.run_id, s.version order by b.run_id`)
    const flushed = new Map<number, string>()
    const changed: number[] = []
    for (const { runId, version, newest } of open) {
      // Sealing may write older figures than the last flush did: a new version is flushed again.
      const seen = `${version} ${newest}`
      if (this.#flushed.get(runId) !== seen) changed.push(runId)
      flushed.set(runId, seen)
    }
    for (let at = 0; at < changed.length; at += RUNS_PER_COMMIT) {
      await flushRuns(this.#db, this.#runs, changed.slice(at, at + RUNS_PER_COMMIT))
    }
    this.#flushed = flushed
  }
}
