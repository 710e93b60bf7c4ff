/** Reads back what the events of jobs said: progress, latest metrics, the lines themselves. */
import type { Database, Queries } from '../storage/database.ts'
import { inArray, sql } from '../storage/sql.ts'
import type { ByteStore } from './attempt-log.ts'
import { maxLineBytes } from './events-apply.ts'
import { parseEvents } from './events-parse.ts'
import type { Progress } from './streams.ts'

export interface ProgressRow {
  readonly job_id: string
  readonly version: number
  readonly done: number | null
  readonly total: number | null
  readonly message: string | null
  readonly ends_at: number | null
  readonly run_id: string | null
}

const columns = sql.raw('job_id, version, done, total, message, ends_at, run_id')

export const readProgress = async (q: Queries, jobId: string): Promise<ProgressRow | null> => {
  const [row] = await q.rows<ProgressRow>(sql`
    select ${columns} from jobs_progress where job_id = ${jobId}`)
  return row ?? null
}

export const readProgressOf = async (
  q: Queries,
  jobIds: readonly string[],
): Promise<ProgressRow[]> =>
  jobIds.length === 0
    ? []
    : q.rows<ProgressRow>(sql`
        select ${columns} from jobs_progress where ${inArray(sql`job_id`, [...jobIds])}`)

/** Null as long as the program said nothing of it. */
export const progressOf = (row: ProgressRow, now: number): Progress | null =>
  row.done === null
    ? null
    : {
        done: row.done,
        total: row.total,
        message: row.message,
        eta_s: row.ends_at === null ? null : Math.max(0, Math.round((row.ends_at - now) / 1000)),
      }

export interface LatestMetric {
  readonly value: number | string
  readonly step: number
  readonly time: string
  readonly points: number
}

interface MetricRow {
  readonly name: string
  readonly value: string
  readonly step: number
  readonly at: number
  readonly points: number
}

/** The latest point of each metric, by name. NaN and the infinities are words, as JSON has none. */
export const latestMetrics = async (
  q: Queries,
  jobId: string,
): Promise<Record<string, LatestMetric>> => {
  const rows = await q.rows<MetricRow>(sql`
    select name, value, step, at, points from jobs_metric where job_id = ${jobId} order by name`)
  return Object.fromEntries(
    rows.map(({ name, value, step, at, points }) => [
      name,
      {
        value: Number.isFinite(Number(value)) ? Number(value) : value,
        step,
        time: new Date(at).toISOString(),
        points,
      },
    ]),
  )
}

export interface EventPage {
  readonly events: readonly Readonly<Record<string, unknown>>[]
  /** Where the next page begins. */
  readonly next: number
}

const maxEventsPerPage = 1_000

/** Events as they were written, in order. Of lines that cannot be read the first is named. */
export const readEvents = async (
  db: Database,
  store: ByteStore,
  place: { readonly jobId: string; readonly attempt: number; readonly offset: number },
): Promise<EventPage> => {
  const { jobId, attempt, offset } = place
  const key = { jobId, attempt, stream: 'events' } as const
  const [row] = await db.rows<{ broken_at: number | null; done: boolean }>(sql`
    select broken_at, done from jobs_events where job_id = ${jobId} and attempt = ${attempt}`)
  const size = await store.size(key)
  const pieces: Uint8Array[] = []
  const end = Math.min(size, offset + maxLineBytes)
  for await (const piece of store.read(key, offset, end)) pieces.push(piece)
  const final = Boolean(row?.done) && end === size
  const { lines, consumed } = parseEvents(Buffer.concat(pieces), {
    base: offset,
    maxLines: maxEventsPerPage,
    final,
  })
  const events = lines.flatMap((line): Record<string, unknown>[] => {
    if (line.json) return [{ ...line.json, attempt, offset: line.offset }]
    if (line.offset !== row?.broken_at) return []
    const text = `The line at byte ${line.offset} cannot be read: ${line.problem}`
    return [{ type: 'message', level: 'warning', text, attempt, offset: line.offset }]
  })
  return { events, next: consumed === 0 && end - offset === maxLineBytes ? end : offset + consumed }
}
