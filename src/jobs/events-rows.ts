/** What a batch of events leaves in the database. */
import type { Queries, Transaction } from '../storage/database.ts'
import { inArray, type SQL, sql } from '../storage/sql.ts'
import type { EventLine, KnownEvent, MetricEvent } from './events-parse.ts'
import type { Pace } from './events-progress.ts'
import type { MetricPoint } from './sink.ts'

/** Whole lines of an attempt's events, from `start` to `end`. */
export interface Batch {
  readonly jobId: string
  readonly attempt: number
  readonly start: number
  readonly end: number
  readonly lines: readonly EventLine[]
}

export interface WriteOptions {
  readonly runId: string | null
  readonly now: number
  readonly paceOf: (first: { done: number; at: number } | undefined) => Pace
}

/** Names in one statement. */
const namesAtOnce = 200

const ofType = <T extends KnownEvent['type']>(batch: Batch, type: T) =>
  batch.lines.flatMap(({ event }) =>
    event?.type === type ? [event as Extract<KnownEvent, { type: T }>] : [],
  )

/** How many points each metric of the batch has so far. */
const countsOf = async (q: Queries, jobId: string, metrics: readonly MetricEvent[]) => {
  const names = [...new Set(metrics.map(({ name }) => name))]
  const counts = new Map<string, number>()
  for (let at = 0; at < names.length; at += namesAtOnce) {
    const some = names.slice(at, at + namesAtOnce)
    const rows = await q.rows<{ name: string; points: number }>(sql`
      select name, points from jobs_metric
      where job_id = ${jobId} and ${inArray(sql`name`, some)}`)
    for (const { name, points } of rows) counts.set(name, points)
  }
  return counts
}

/** The points of a batch; one that names no step gets the next number of its metric. */
export const metricsOf = async (q: Queries, batch: Batch): Promise<MetricPoint[]> => {
  const metrics = ofType(batch, 'metric')
  const counts = await countsOf(q, batch.jobId, metrics)
  return metrics.map(({ name, value, step, time }) => {
    const before = counts.get(name) ?? 0
    counts.set(name, before + 1)
    return { name, value, step: step ?? before, ...(time !== undefined && { time }) }
  })
}

/**
 * Moves the cursor on, and with it all that the batch says, in one transaction. Answers whether
 * followers see something new; nothing happens when another server did it already.
 */
export const writeBatch = async (
  tx: Transaction,
  batch: Batch,
  options: WriteOptions,
): Promise<boolean> => {
  const { jobId, attempt, start, end, lines } = batch
  const checkpoint = ofType(batch, 'checkpoint').at(-1)?.path ?? null
  const broken = lines.find(({ problem }) => problem !== null)?.offset ?? null
  const moved = await tx.run(sql`
    update jobs_events set applied = ${end}, applying = null,
      checkpoint = coalesce(${checkpoint}, checkpoint),
      broken_at = coalesce(broken_at, ${broken})
    where job_id = ${jobId} and attempt = ${attempt} and applied = ${start}
      and (applying is null or applying = ${end})`)
  if (moved === 0) return false
  await writeMetrics(tx, batch, options.now)
  return writeProgress(tx, batch, options)
}

const writeMetrics = async (tx: Transaction, batch: Batch, now: number): Promise<void> => {
  const points = await metricsOf(tx, batch)
  const latest = new Map<string, { point: MetricPoint; count: number }>()
  for (const point of points) {
    latest.set(point.name, { point, count: (latest.get(point.name)?.count ?? 0) + 1 })
  }
  const rows = [...latest.values()].map(
    ({ point, count }) => sql`(${batch.jobId}, ${point.name}, ${String(point.value)},
      ${point.step}, ${point.time === undefined ? now : Math.round(point.time / 1000)}, ${count})`,
  )
  for (let at = 0; at < rows.length; at += namesAtOnce) {
    await tx.run(insertMetrics(rows.slice(at, at + namesAtOnce)))
  }
}

const insertMetrics = (rows: readonly SQL[]): SQL => sql`
  insert into jobs_metric (job_id, name, value, step, at, points)
  values ${sql.join([...rows], sql`, `)}
  on conflict (job_id, name) do update set value = excluded.value, step = excluded.step,
    at = excluded.at, points = jobs_metric.points + excluded.points`

interface ProgressRow {
  readonly attempt: number
  readonly first_done: number | null
  readonly first_at: number | null
  readonly run_id: string | null
  readonly is_told: boolean | number
}

/** Versions are few (see follow-cursor.ts): the older a job is, the seldomer it gets a new one. */
const versionsPerAge = 2 ** 15

const writeProgress = async (
  tx: Transaction,
  batch: Batch,
  { runId, now, paceOf }: WriteOptions,
): Promise<boolean> => {
  const { jobId, attempt } = batch
  const event = ofType(batch, 'progress').at(-1)
  if (!event && runId === null) return false
  const [row] = await tx.rows<ProgressRow>(sql`
    select attempt, first_done, first_at, run_id, is_told from jobs_progress
    where job_id = ${jobId}`)
  if (!event && row?.run_id === runId && !row.is_told) return false
  if (!row) {
    await tx.run(sql`
      insert into jobs_progress (job_id, attempt, version, version_at, created_at, is_told)
      values (${jobId}, ${attempt}, 0, 0, ${now}, false) on conflict (job_id) do nothing`)
  }
  const set = [sql`run_id = coalesce(${runId}, run_id), is_told = false`]
  if (event) {
    const isSame = row?.attempt === attempt && row.first_done !== null && row.first_at !== null
    const pace = paceOf(isSame ? { done: row.first_done!, at: row.first_at! } : undefined)
    const endsAt = pace.add(event.done, event.total, now)
    set.push(
      sql`attempt = ${attempt}, done = ${event.done}, total = ${event.total}`,
      sql`message = ${event.message}, ends_at = ${endsAt}`,
      sql`first_done = ${pace.first?.done ?? null}, first_at = ${pace.first?.at ?? null}`,
    )
  }
  await tx.run(sql`update jobs_progress set ${sql.join(set, sql`, `)} where job_id = ${jobId}`)
  const bumped = await tx.run(sql`
    update jobs_progress set version = version + 1, version_at = ${now}
    where job_id = ${jobId}
      and (${now} - version_at) * ${versionsPerAge} >= ${now} - created_at`)
  return bumped > 0
}
