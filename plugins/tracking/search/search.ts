/** Finds runs: filtered, ordered by anything, page by page, with only the columns asked for. */
import { type Clock, type Database, type SQL, sql, type Who } from '../../../src/sdk.ts'
import type { PointStore } from '../points/store.ts'
import type { Projects } from '../projects.ts'
import { type RunRow, type RunSummary, selectRunSummary, toRunSummary } from '../run-rows.ts'
import type { RunState } from '../state.ts'
import type { SearchTime } from './columns.ts'
import { compileFilter } from './compile.ts'
import { afterCursor, type KeyValue, orderBy, readCursor, sortKeys, writeCursor } from './order.ts'
import { parseFilter, parseOrder } from './parse.ts'

export interface SearchQuery {
  readonly projectId?: number | undefined
  readonly filter: string
  readonly orderBy: readonly string[]
  /** Metrics whose last values are wanted. */
  readonly metrics: readonly string[]
  /** Keys of the parameters that are wanted. */
  readonly params: readonly string[]
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface FoundRun {
  readonly run: RunSummary
  /** Last values; a metric that the run lacks is not in it. */
  readonly metrics: ReadonlyMap<string, number>
  readonly params: ReadonlyMap<string, number | string | boolean>
}

export interface Found {
  readonly runs: readonly FoundRun[]
  readonly nextCursor: string | null
  /** Runs on all pages. */
  readonly total: number
}

export interface SearchOptions {
  readonly db: Database
  readonly clock: Clock
  readonly points: PointStore
  readonly projects: Projects
  readonly state: RunState
}

/** @throws HearthError `bad_request` for a filter, an order or a cursor that cannot be read */
export const searchRuns = async (
  options: SearchOptions,
  who: Who,
  query: SearchQuery,
): Promise<Found> => {
  const { db, points, state, clock } = options
  const filter = parseFilter(query.filter)
  const order = parseOrder(query.orderBy)
  const now: SearchTime = { now: clock.now() * 1000, silentSince: state.silentSince() }
  const question = questionOf(query)
  // The types of the keys do not depend on the time, and the time is in the cursor.
  const cursor =
    query.cursor === undefined
      ? undefined
      : readCursor(query.cursor, question, sortKeys(order, now))
  const time = cursor?.time ?? now
  const keys = sortKeys(order, time)
  const scope = await scopeOf(options, who, query.projectId)
  await points.flushSummaries()
  await state.flush()
  const rows = await db.rows<KeyRow>(sql`
    select * from (
      select tracking_run.id as id, count(*) over () as total
        ${sql.join(keys.map(({ column }, i) => sql`, ${column} as ${sql.raw(`k${i}`)}`))}
      from tracking_run join tracking_project on tracking_project.id = tracking_run.project_id
      where ${scope} ${filter ? sql`and ${compileFilter(filter, time)}` : sql``}
    ) as matched
    ${cursor ? sql`where ${afterCursor(keys, cursor)}` : sql``}
    order by ${orderBy(keys)} limit ${query.limit + 1}`)
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  const keysOf = (row: KeyRow): KeyValue[] => keys.map((_, i) => row[`k${i}`] ?? null)
  return {
    runs: await readRuns(
      db,
      page.map(({ id }) => id),
      query,
    ),
    nextCursor:
      last && rows.length > query.limit
        ? writeCursor({ question, time, keys: keysOf(last), id: last.id })
        : null,
    total: rows[0]?.total ?? 0,
  }
}

interface KeyRow {
  readonly id: number
  readonly total: number
  readonly [key: `k${number}`]: KeyValue
}

/** What must be the same on every page. */
const questionOf = ({ projectId, filter, orderBy }: SearchQuery): string =>
  Bun.hash(JSON.stringify([projectId ?? null, filter, orderBy])).toString(36)

/** The runs a search looks at: as in the list of runs. @throws HearthError `not_found` */
const scopeOf = async (
  { projects }: SearchOptions,
  who: Who,
  projectId: number | undefined,
): Promise<SQL> => {
  const alive = sql`tracking_run.deleted_at is null and tracking_project.deleted_at is null`
  if (projectId !== undefined) {
    await projects.readable(who, projectId)
    return sql`${alive} and tracking_run.project_id = ${projectId}`
  }
  return who.isSuperuser ? alive : sql`${alive} and tracking_project.owner_id = ${who.id}`
}

const readRuns = async (
  db: Database,
  ids: readonly number[],
  { metrics, params }: SearchQuery,
): Promise<FoundRun[]> => {
  if (ids.length === 0) return []
  const idList = listOf(ids)
  const [runs, metricRows, paramRows] = await Promise.all([
    db.rows<RunRow>(sql`${selectRunSummary} where tracking_run.id in (${idList})`),
    metrics.length === 0
      ? []
      : db.rows<MetricRow>(sql`select run_id, name, last_value from tracking_series
          where run_id in (${idList}) and name in (${listOf(metrics)}) and count > 0`),
    params.length === 0
      ? []
      : db.rows<ParamRow>(sql`select run_id, key, text, number from tracking_param
          where run_id in (${idList}) and key in (${listOf(params)})`),
  ])
  const byId = new Map(
    runs.map((row) => {
      const run = toRunSummary(row)
      return [run.id, { run, metrics: new Map<string, number>(), params: new Map<string, Value>() }]
    }),
  )
  // SQLite keeps NaN as NULL.
  for (const row of metricRows) {
    byId.get(row.run_id)?.metrics.set(row.name, row.last_value ?? Number.NaN)
  }
  for (const row of paramRows) byId.get(row.run_id)?.params.set(row.key, valueOf(row))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

type Value = number | string | boolean

interface MetricRow {
  readonly run_id: number
  readonly name: string
  readonly last_value: number | null
}

interface ParamRow {
  readonly run_id: number
  readonly key: string
  readonly text: string
  readonly number: number | null
}

/** As the config held it, as far as its text tells. */
const valueOf = ({ text, number }: ParamRow): Value => {
  if (number !== null) return number
  return text === 'true' ? true : text === 'false' ? false : text
}

const listOf = (values: readonly (number | string)[]): SQL =>
  sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  )
