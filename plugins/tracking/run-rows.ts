/** Runs as the database keeps them: rows, and the searchable copies of their tags and config. */
import { type Queries, sql } from '../../src/sdk.ts'
import type { Owned } from './access.ts'
import { flattenConfig } from './search/params.ts'
import type { RunStatus } from './state.ts'

export type Json = Readonly<Record<string, unknown>>

/** Times are microseconds since the epoch. */
export interface Run extends Owned {
  readonly id: number
  readonly projectId: number
  readonly name: string
  /** As stored; readers see what state.ts makes of it. */
  readonly status: RunStatus
  readonly config: Json
  readonly tags: readonly string[]
  readonly notes: string | null
  readonly environment: Json | null
  readonly runKey: string | null
  readonly forkedFrom: { readonly runId: number; readonly step: number | null } | null
  readonly startedAt: number
  readonly endedAt: number | null
  readonly lastHeardAt: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** A run without the two columns that can be large. */
export type RunSummary = Omit<Run, 'config' | 'environment'>

export interface RunRow {
  readonly id: number
  readonly project_id: number
  readonly name: string
  readonly status: RunStatus
  readonly config: string
  readonly tags: string
  readonly notes: string | null
  readonly environment: string | null
  readonly run_key: string | null
  readonly forked_run_id: number | null
  readonly forked_step: number | null
  readonly started_at: number
  readonly ended_at: number | null
  readonly last_heard_at: number
  readonly created_at: number
  readonly updated_at: number
  readonly deleted_at: number | null
  readonly owner_id: number
  readonly is_public: boolean | number
  readonly project_deleted_at: number | null
}

const summaryColumns = [
  ...['id', 'project_id', 'name', 'status', 'tags', 'notes', 'run_key', 'forked_run_id'],
  ...['forked_step', 'started_at', 'ended_at', 'last_heard_at', 'created_at', 'updated_at'],
  'deleted_at',
]

const columnsOf = (names: readonly string[]) =>
  sql.raw(
    `${names.map((name) => `tracking_run.${name}`).join(', ')}, tracking_project.owner_id,
    tracking_project.is_public, tracking_project.deleted_at as project_deleted_at`,
  )

const source = sql.raw(
  'tracking_run join tracking_project on tracking_project.id = tracking_run.project_id',
)

export const selectRun = sql`
  select ${columnsOf([...summaryColumns, 'config', 'environment'])} from ${source}`

export const selectRunSummary = sql`select ${columnsOf(summaryColumns)} from ${source}`

export const toRunSummary = (row: Omit<RunRow, 'config' | 'environment'>): RunSummary => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  status: row.status,
  tags: JSON.parse(row.tags) as string[],
  notes: row.notes,
  runKey: row.run_key,
  forkedFrom:
    row.forked_run_id === null ? null : { runId: row.forked_run_id, step: row.forked_step },
  startedAt: row.started_at,
  endedAt: row.ended_at,
  lastHeardAt: row.last_heard_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  ownerId: row.owner_id,
  isPublic: Boolean(row.is_public),
  isDeleted: row.deleted_at !== null || row.project_deleted_at !== null,
})

export const toRun = (row: RunRow): Run => ({
  ...toRunSummary(row),
  config: JSON.parse(row.config) as Json,
  environment: row.environment === null ? null : (JSON.parse(row.environment) as Json),
})

/** Rows of one statement: their values must fit into what a database binds. */
const rowsPerInsert = 500

/** Replaces the searchable tags of a run. */
export const writeTags = async (
  tx: Queries,
  runId: number,
  tags: readonly string[],
): Promise<void> => {
  await tx.run(sql`delete from tracking_tag where run_id = ${runId}`)
  const values = [...new Set(tags)].map((tag) => sql`(${runId}, ${tag})`)
  for (let i = 0; i < values.length; i += rowsPerInsert) {
    const rows = sql.join(values.slice(i, i + rowsPerInsert), sql`, `)
    await tx.run(sql`insert into tracking_tag (run_id, tag) values ${rows}`)
  }
}

/** Replaces the searchable parameters of a run. */
export const writeParams = async (tx: Queries, runId: number, config: Json): Promise<void> => {
  await tx.run(sql`delete from tracking_param where run_id = ${runId}`)
  const values = flattenConfig(config).map(
    ({ key, text, number }) => sql`(${runId}, ${key}, ${text}, ${number})`,
  )
  for (let i = 0; i < values.length; i += rowsPerInsert) {
    const rows = sql.join(values.slice(i, i + rowsPerInsert), sql`, `)
    await tx.run(sql`insert into tracking_param (run_id, key, text, number) values ${rows}`)
  }
}
