/** Opens the point store: wires the parts and runs the background work. */
import { type Clock, type Database, type Logger, sql } from '../../../src/sdk.ts'
import { Committer } from './committer.ts'
import type { WrittenRun } from './group.ts'
import { readHistory } from './history.ts'
import { listPoints } from './list.ts'
import { PayloadCache } from './payload-cache.ts'
import { readChart } from './chart.ts'
import { copyPoints, deletePoints, truncatePoints } from './rewrite.ts'
import { Runs } from './runs.ts'
import { Sealer } from './sealer.ts'
import { pointsSince } from './since.ts'
import type { RunState } from './state.ts'
import type { AppendedPoints, Point, PointStore } from './store.ts'
import { SummaryFlush, summarize } from './summaries.ts'

export interface PointStoreOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
}

/** What is remembered of runs between requests, and of chunks: bounds, not reservations. */
const RUN_BYTES = 64 * 2 ** 20
const PAYLOAD_BYTES = 24 * 2 ** 20

/** Makes points out of what was written only when somebody iterates. */
const appendedPoints = (
  { runId, firstId, points }: WrittenRun,
  state: RunState,
): AppendedPoints => ({
  count: points.count,
  firstId,
  *[Symbol.iterator](): Generator<Point> {
    const { keys, steps, times, values, count } = points
    for (let i = 0; i < count; i++) {
      yield {
        id: firstId + i,
        runId,
        name: state.byId.get(keys[i] as number)?.name ?? '',
        value: values[i] as number,
        step: steps[i] as number,
        time: times[i] as number,
      }
    }
  },
})

/** @throws Error when the tables are missing: apply `pointMigrations` first */
export const openPointStore = async (options: PointStoreOptions): Promise<PointStore> => {
  const { db, clock, log } = options
  const runs = new Runs(RUN_BYTES, new PayloadCache(PAYLOAD_BYTES))
  const listeners: ((runId: number, points: AppendedPoints) => void)[] = []
  const sealer = new Sealer({ db, clock, log, runs })
  const summaries = new SummaryFlush(db, runs)
  const committer = new Committer(db, clock, runs, (written) => {
    for (const run of written) {
      const state = runs.peek(run.runId)
      if (!state || run.points.count === 0) continue
      for (const listener of listeners) {
        try {
          listener(run.runId, appendedPoints(run, state))
        } catch (error) {
          log.error('a listener for points failed', { error, runId: run.runId })
        }
      }
    }
    return sealer.afterCommit(written)
  })
  const rewriting = { db, runs, committer, sealer }
  await sealer.start()

  return {
    append: (input) => committer.append(input),
    list: (query) => runs.consistently(db, query.runId, (state) => listPoints(db, state, query)),
    history: (runId, name) => runs.consistently(db, runId, (state) => readHistory(db, state, name)),
    summary: async (runId, names) => summarize(await runs.refresh(db, runId), names),
    names: async (runId) => summarize(await runs.refresh(db, runId)).map(({ name }) => name),
    chart: (query) => runs.consistently(db, query.runId, (state) => readChart(db, state, query)),
    since: (runId, since) => pointsSince(db, runs, runId, since),
    head: async () => {
      const [row] = await db.rows<{ next_id: number }>(sql`
        select next_id from tracking_counter where id = 1`)
      return (row?.next_id ?? 1) - 1
    },
    onAppended: (listener) => void listeners.push(listener),
    copy: (from, to, belowStep) => copyPoints(rewriting, from, to, belowStep),
    truncate: (runId, fromStep) => truncatePoints(rewriting, runId, fromStep),
    delete: (runId) => deletePoints(rewriting, runId),
    flushSummaries: () => summaries.flush(),
    close: async () => {
      sealer.stop()
      await committer.idle()
      await sealer.idle()
    },
  }
}
