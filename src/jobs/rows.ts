/** Jobs as rows of the database, and back. */
import type { Queries } from '../storage/database.ts'
import { type SQL, sql } from '../storage/sql.ts'
import type { Desired, JobCore, JobState } from './job.ts'
import { among } from './json-rows.ts'
import type { Demand } from './match.ts'
import type { Outcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import type { JobException } from './streams.ts'
import type { JobPolicy } from './submission.ts'

export interface Job extends JobCore {
  readonly seq: number
  readonly id: string
  readonly ownerId: number
  readonly projectId: number | null
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly priority: number
  /** Jobs that must succeed first, and have not yet. */
  readonly waitingFor: number
  /** Not claimed before. */
  readonly readyAt: number
  readonly nodeId: string | null
  /** Leased to the current attempt. */
  readonly gpus: readonly string[]
  readonly phase: string | null
  readonly detail: string | null
  readonly demand: Demand
  readonly policy: JobPolicy
  readonly timeoutMs: number | null
  readonly graceMs: number
  /** Cancelled by the server because its time was up. */
  readonly overdue: boolean
  readonly hasSecrets: boolean
  /** Other jobs wait, or waited, for its end. */
  readonly isFollowed: boolean
  readonly createdAt: number
  readonly queuedAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly outcome: Outcome | null
  readonly error: JobException | null
}

interface JobRow {
  readonly seq: number
  readonly id: string
  readonly owner_id: number
  readonly project_id: number | null
  readonly kind: string
  readonly name: string
  readonly state: JobState
  readonly desired: Desired
  readonly attempt: number
  readonly retries_left: number
  readonly version: number
  readonly priority: number
  readonly waiting_for: number
  readonly ready_at: number
  readonly node_id: string | null
  readonly gpus: string | null
  readonly phase: string | null
  readonly detail: string | null
  readonly demand: string
  readonly policy: string
  readonly timeout_ms: number | null
  readonly grace_ms: number
  readonly overdue: number
  readonly followed: number
  readonly has_secrets: boolean | number
  readonly created_at: number
  readonly queued_at: number
  readonly started_at: number | null
  readonly ended_at: number | null
  readonly outcome: string | null
  readonly error: string | null
}

const parse = <T>(text: string | null): T | null => (text === null ? null : JSON.parse(text))

const fromRow = (row: JobRow): Job => ({
  seq: row.seq,
  id: row.id,
  ownerId: row.owner_id,
  projectId: row.project_id,
  kind: row.kind,
  name: row.name,
  state: row.state,
  desired: row.desired,
  attempt: row.attempt,
  retriesLeft: row.retries_left,
  version: row.version,
  priority: row.priority,
  waitingFor: row.waiting_for,
  readyAt: row.ready_at,
  nodeId: row.node_id,
  gpus: parse(row.gpus) ?? [],
  phase: row.phase,
  detail: row.detail,
  demand: JSON.parse(row.demand),
  policy: JSON.parse(row.policy),
  timeoutMs: row.timeout_ms,
  graceMs: row.grace_ms,
  overdue: Boolean(row.overdue),
  hasSecrets: Boolean(row.has_secrets),
  isFollowed: Boolean(row.followed),
  createdAt: row.created_at,
  queuedAt: row.queued_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  outcome: parse(row.outcome),
  error: parse(row.error),
})

/** Jobs that meet `condition`, which may end in an order and a limit. */
export const jobsWhere = async (q: Queries, condition: SQL): Promise<Job[]> =>
  (await q.rows<JobRow>(sql`select * from jobs_job where ${condition}`)).map(fromRow)

export const jobById = async (q: Queries, id: string): Promise<Job | null> =>
  (await jobsWhere(q, sql`id = ${id}`))[0] ?? null

/** Nothing on SQLite, which has one writer. */
export const forUpdate = (q: Queries): SQL => (q.dialect === 'postgres' ? sql`for update` : sql``)

/** Attempts that hold a place on a node. */
export const isActive = sql`state in ('assigned', 'running', 'lost')`

export const plansOf = async (
  q: Queries,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Plan>> => {
  const rows = await q.rows<{ job_id: string; plan: string }>(
    sql`select job_id, plan from jobs_plan where ${among(q, sql`job_id`, ids)}`,
  )
  return new Map(rows.map(({ job_id, plan }) => [job_id, JSON.parse(plan) as Plan]))
}
