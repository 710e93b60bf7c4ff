/** Jobs for people: one by one, in lists, and all that happened to them. */
import type { Who } from '../auth/who.ts'
import type { Database } from '../storage/database.ts'
import { type SQL, sql } from '../storage/sql.ts'
import type { Leases } from './leases.ts'
import { unstartedMs } from './leases.ts'
import { demandOf, lacks } from './match.ts'
import type { Nodes } from './nodes.ts'
import type { Outcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import type { Capacity } from './protocol.ts'
import { type Job, jobsWhere, plansOf } from './rows.ts'
import type { JobFilter } from './service.ts'
import type { Streams } from './streams.ts'
import { jobView, type JobView } from './view.ts'

export interface ListingOptions {
  readonly db: Database
  readonly nodes: Nodes
  readonly leases: Pick<Leases, 'silenceMs'>
  readonly streams: Pick<Streams, 'progressOf' | 'runIdOf'>
}

export interface AttemptView {
  readonly attempt: number
  readonly node: string | null
  readonly assigned_at: string
  readonly started_at: string | null
  readonly ended_at: string | null
  readonly outcome: Outcome | null
}

export interface HistoryView {
  readonly at: string
  readonly attempt: number
  readonly from: string | null
  readonly to: string
  readonly event: string
  readonly actor: string
  readonly why: string | null
}

const noPlan: Plan = { command: [''] }

/** Why no node that is there will ever take the job; null when one may. */
const waitsFor = (plan: Plan, present: readonly Capacity[]): string | null => {
  if (present.length === 0) return 'waiting: no node is online'
  const lacking = present.map((capacity) => lacks(demandOf(plan), capacity))
  if (lacking.includes(null)) return null
  return `waiting: no node online has ${[...new Set(lacking)].join(', or ')}`
}

export class Listing {
  readonly #options: ListingOptions

  constructor(options: ListingOptions) {
    this.#options = options
  }

  async views(jobs: readonly Job[]): Promise<JobView[]> {
    if (jobs.length === 0) return []
    const { db, nodes, streams, leases } = this.#options
    const ids = jobs.map(({ id }) => id)
    const [plans, progress, runs, names] = await Promise.all([
      plansOf(db, ids),
      streams.progressOf(ids),
      streams.runIdOf(ids),
      jobs.some(({ nodeId }) => nodeId !== null) ? nodes.names() : new Map<string, string>(),
    ])
    const present = jobs.some(({ state }) => state === 'queued') ? await this.#present() : []
    return jobs.map((job) => {
      const isOn = job.state === 'assigned' || job.state === 'running' || job.state === 'lost'
      return jobView(job, {
        plan: plans.get(job.id) ?? noPlan,
        nodeName: job.nodeId === null ? null : (names.get(job.nodeId) ?? null),
        disconnected: isOn && leases.silenceMs(job.nodeId as string) > unstartedMs,
        progress: progress.get(job.id) ?? null,
        runId: runs.get(job.id) ?? null,
        waitsFor: job.state === 'queued' ? waitsFor(plans.get(job.id) ?? noPlan, present) : null,
      })
    })
  }

  /** What the nodes that are there have, idle or not. */
  async #present(): Promise<Capacity[]> {
    const { nodes, leases } = this.#options
    const all = await nodes.all()
    return all.flatMap(({ id, capacity, draining }) =>
      capacity && !draining && leases.silenceMs(id) <= unstartedMs ? [capacity] : [],
    )
  }

  async view(job: Job): Promise<JobView> {
    return (await this.views([job]))[0]!
  }

  async list(who: Who, filter: JobFilter): Promise<{ jobs: JobView[]; total: number }> {
    const { db } = this.#options
    const where = sql.join(await this.#conditions(who, filter), sql` and `)
    const { skip = 0, limit = 50 } = filter
    const jobs = await jobsWhere(db, sql`${where} order by seq desc limit ${limit} offset ${skip}`)
    const [row] = await db.rows<{ n: number }>(
      sql`select count(*) as n from jobs_job where ${where}`,
    )
    return { jobs: await this.views(jobs), total: row?.n ?? 0 }
  }

  async #conditions(who: Who, filter: JobFilter): Promise<SQL[]> {
    const { id, isMine, state, kind, projectId, node, name } = filter
    const seesAll = who.isSuperuser && isMine !== true
    const conditions: SQL[] = [seesAll ? sql`1 = 1` : sql`owner_id = ${who.id}`]
    if (id !== undefined) conditions.push(sql`substr(id, 1, ${id.length}) = ${id}`)
    if (state) {
      const states = state.map((one) => sql`${one}`)
      conditions.push(sql`state in (${sql.join(states, sql`, `)})`)
    }
    if (kind !== undefined) conditions.push(sql`kind = ${kind}`)
    if (projectId !== undefined) conditions.push(sql`project_id = ${projectId}`)
    if (node !== undefined) {
      conditions.push(
        sql`node_id in (select id from jobs_node where id = ${node} or name = ${node})`,
      )
    }
    if (name !== undefined) {
      const pattern = `%${name.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
      conditions.push(sql`lower(name) like ${pattern} escape '\\'`)
    }
    return conditions
  }

  async attempts(jobId: string): Promise<AttemptView[]> {
    const names = await this.#options.nodes.names()
    const found = new Map<number, AttemptView>()
    for (const { at, attempt, event, from, nodeId, outcome } of await this.#history(jobId)) {
      if (attempt === 0) continue
      const known = found.get(attempt) ?? {
        attempt,
        node: names.get(nodeId ?? '') ?? null,
        assigned_at: at,
        started_at: null,
        ended_at: null,
        outcome: null,
      }
      const isEnd =
        event === 'finish' || event === 'lose' || (event === 'cancel' && from === 'lost')
      found.set(attempt, {
        ...known,
        ...(event === 'start' && { started_at: at }),
        ...(isEnd && { ended_at: at, outcome }),
      })
    }
    return [...found.values()]
  }

  async history(jobId: string): Promise<HistoryView[]> {
    const entries = await this.#history(jobId)
    return entries.map(({ nodeId: _, outcome: __, ...entry }) => entry)
  }

  async #history(jobId: string) {
    const rows = await this.#options.db.rows<{
      at: number
      attempt: number
      from_state: string | null
      to_state: string
      event: string
      actor: string
      why: string | null
      node_id: string | null
      outcome: string | null
    }>(sql`select * from jobs_history where job_id = ${jobId} order by id`)
    return rows.map(({ at, attempt, from_state, to_state, event, actor, why, ...row }) => ({
      at: iso(at),
      attempt,
      from: from_state,
      to: to_state,
      event,
      actor,
      why,
      nodeId: row.node_id,
      outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as Outcome),
    }))
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
