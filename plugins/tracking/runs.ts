/** Runs: created, changed, resumed, forked, put in the trash. */
import {
  type Clock,
  type Database,
  HearthError,
  type Queries,
  type SQL,
  sql,
  type Who,
} from '../../src/sdk.ts'
import { assertReadable, assertWritable, owns, type RunAccess } from './access.ts'
import { toJson } from './numbers.ts'
import type { Page } from './parameters.ts'
import type { PointStore } from './points/store.ts'
import type { Projects } from './projects.ts'
import {
  type Json,
  type Run,
  type RunRow,
  type RunSummary,
  selectRun,
  selectRunSummary,
  toRun,
  toRunSummary,
  writeParams,
  writeTags,
} from './run-rows.ts'
import type { RunState, RunStatus } from './state.ts'

export interface NewRun {
  readonly name: string
  readonly config?: Json
  readonly tags?: readonly string[]
  readonly notes?: string | null
  readonly environment?: Json | null
  /** Chosen by the client: creating a run with the same key again answers the same run. */
  readonly runKey?: string | null
  readonly startedAt?: number
}

export interface RunChange {
  readonly name?: string
  readonly status?: RunStatus
  readonly endedAt?: number | null
  readonly config?: Json
  readonly tags?: readonly string[]
  readonly notes?: string | null
  readonly environment?: Json | null
}

export interface RunQuery extends Page {
  readonly projectId?: number
  /** Runs that have all of these. */
  readonly tags: readonly string[]
  readonly status?: RunStatus
  /** Runs in the trash instead of those outside. */
  readonly deleted: boolean
  /** A further condition on rows of `tracking_run`. */
  readonly filter?: SQL
  readonly orderBy?: SQL
}

export interface RunsOptions {
  readonly db: Database
  readonly clock: Clock
  readonly points: PointStore
  readonly projects: Projects
  readonly access: RunAccess
  readonly state: RunState
}

export class Runs {
  readonly #options: RunsOptions
  readonly #db: Database

  constructor(options: RunsOptions) {
    this.#options = options
    this.#db = options.db
  }

  /** @throws HearthError `conflict` when the run of this key lies in the trash */
  async create(who: Who, projectId: number, input: NewRun): Promise<Run> {
    await this.#options.projects.writable(who, projectId)
    const id = await this.#db.transaction((tx) => this.#insert(tx, projectId, input, null))
    if (id !== null) return this.#get(id)
    const [row] = await this.#db.rows<RunRow>(sql`
      ${selectRun} where project_id = ${projectId} and run_key = ${input.runKey ?? ''}`)
    if (!row) throw new HearthError('conflict')
    if (row.deleted_at === null) return toRun(row)
    throw new HearthError('conflict', `The run with this run_key, ${row.id}, is in the trash`)
  }

  async #insert(
    tx: Queries,
    projectId: number,
    input: NewRun,
    fork: { runId: number; step: number | null } | null,
  ): Promise<number | null> {
    const now = this.#now()
    const environment = input.environment ? toJson(input.environment) : null
    const [row] = await tx.rows<{ id: number }>(sql`
      insert into tracking_run (project_id, name, status, config, tags, notes, environment, run_key,
        forked_run_id, forked_step, started_at, last_heard_at, created_at, updated_at, deleted_at)
      values (${projectId}, ${input.name}, 'running', ${toJson(input.config ?? {})},
        ${JSON.stringify(input.tags ?? [])}, ${input.notes ?? null}, ${environment},
        ${input.runKey ?? null}, ${fork?.runId ?? null}, ${fork?.step ?? null},
        ${input.startedAt ?? now}, ${now}, ${now}, ${now}, ${fork ? now : null})
      on conflict (project_id, run_key) do nothing
      returning id`)
    if (!row) return null
    if (input.tags?.length) await writeTags(tx, row.id, input.tags)
    if (input.config) await writeParams(tx, row.id, input.config)
    return row.id
  }

  /** @throws HearthError `not_found` */
  async readable(who: Who, id: number): Promise<Run> {
    const run = await this.#find(id)
    assertReadable(who, run)
    return run
  }

  /** @throws HearthError `not_found`, `forbidden` */
  async writable(who: Who, id: number): Promise<Run> {
    const run = await this.#find(id)
    assertWritable(who, run)
    return run
  }

  /** Runs of the caller's projects (of everybody's for a superuser), or of one readable project. */
  async list(who: Who, query: RunQuery): Promise<RunSummary[]> {
    const conditions = [sql`tracking_project.deleted_at is null`]
    const { projectId, status, tags, filter } = query
    if (projectId !== undefined) {
      await this.#options.projects.readable(who, projectId)
      conditions.push(sql`tracking_run.project_id = ${projectId}`)
    } else if (!who.isSuperuser) conditions.push(sql`tracking_project.owner_id = ${who.id}`)
    conditions.push(
      query.deleted
        ? sql`tracking_run.deleted_at is not null`
        : sql`tracking_run.deleted_at is null`,
    )
    for (const tag of tags) {
      conditions.push(sql`exists (select 1 from tracking_tag
        where tracking_tag.run_id = tracking_run.id and tracking_tag.tag = ${tag})`)
    }
    if (status || filter) await this.#options.state.flush()
    if (status) conditions.push(this.#statusIs(status))
    if (filter) conditions.push(filter)
    const rows = await this.#db.rows<RunRow>(sql`
      ${selectRunSummary} where ${sql.join(conditions, sql` and `)}
      order by ${query.orderBy ?? sql`tracking_run.id`} limit ${query.limit} offset ${query.skip}`)
    return rows.map(toRunSummary)
  }

  #statusIs(status: RunStatus): SQL {
    const silentSince = this.#options.state.silentSince()
    if (status === 'running') {
      return sql`tracking_run.status = 'running' and tracking_run.last_heard_at >= ${silentSince}`
    }
    if (status !== 'crashed') return sql`tracking_run.status = ${status}`
    return sql`(tracking_run.status = 'crashed'
      or (tracking_run.status = 'running' and tracking_run.last_heard_at < ${silentSince}))`
  }

  /** Changes what is given; an end sets `ended_at`, and running again clears it. */
  async update(who: Who, id: number, change: RunChange): Promise<Run> {
    const run = await this.writable(who, id)
    const now = this.#now()
    const set: SQL[] = []
    if (change.name !== undefined) set.push(sql`name = ${change.name}`)
    if (change.notes !== undefined) set.push(sql`notes = ${change.notes}`)
    if (change.config) set.push(sql`config = ${toJson(change.config)}`)
    if (change.tags) set.push(sql`tags = ${JSON.stringify(change.tags)}`)
    if (change.environment !== undefined) {
      set.push(
        sql`environment = ${change.environment === null ? null : toJson(change.environment)}`,
      )
    }
    if (change.status) {
      set.push(sql`status = ${change.status}`)
      if (change.status === 'running') this.#options.state.touch(id)
    }
    const endedAt = endOf(run, change, now)
    if (endedAt !== undefined) set.push(sql`ended_at = ${endedAt}`)
    if (set.length === 0) return run
    set.push(sql`updated_at = ${now}`)
    await this.#db.transaction(async (tx) => {
      await tx.run(sql`update tracking_run set ${sql.join(set, sql`, `)} where id = ${id}`)
      if (change.tags) await writeTags(tx, id, change.tags)
      if (change.config) await writeParams(tx, id, change.config)
    })
    this.#options.access.forget(id)
    return this.#get(id)
  }

  /** The run goes on; with `fromStep`, points at or above it are dropped first. */
  async resume(who: Who, id: number, fromStep: number | undefined): Promise<Run> {
    await this.writable(who, id)
    if (fromStep !== undefined) await this.#options.points.truncate(id, fromStep)
    return this.update(who, id, { status: 'running', endedAt: null })
  }

  /** A new run that starts from a copy of the points below `step` (all of them without). */
  async fork(who: Who, id: number, input: { step?: number; name?: string }): Promise<Run> {
    const { name, config, tags, notes, environment, projectId } = await this.writable(who, id)
    const copy = {
      name: input.name ?? `${name.slice(0, 243)} (fork)`,
      config,
      tags,
      notes,
      environment,
    }
    const fork = { runId: id, step: input.step ?? null }
    const forkId = (await this.#db.transaction((tx) => this.#insert(tx, projectId, copy, fork)))!
    // In the trash until its points are there, so that half a fork is never seen.
    await this.#options.points.copy(id, forkId, input.step)
    await this.#setDeletedAt(forkId, null)
    return this.#get(forkId)
  }

  /** Hides a run; `restore` brings it back. */
  async trash(who: Who, id: number): Promise<void> {
    await this.writable(who, id)
    await this.#setDeletedAt(id, this.#now())
  }

  async restore(who: Who, id: number): Promise<Run> {
    const run = await this.owned(who, id)
    await this.#options.projects.writable(who, run.projectId)
    await this.#setDeletedAt(id, null)
    return this.#get(id)
  }

  /** A run of the caller's, in the trash or not. @throws HearthError */
  async owned(who: Who, id: number): Promise<Run> {
    const run = await this.#find(id)
    if (run && owns(who, run)) return run
    throw new HearthError(run?.isPublic && !run.isDeleted ? 'forbidden' : 'not_found')
  }

  async #setDeletedAt(id: number, deletedAt: number | null): Promise<void> {
    await this.#db.run(sql`update tracking_run set deleted_at = ${deletedAt} where id = ${id}`)
    this.#options.access.forget(id)
  }

  async #find(id: number): Promise<Run | null> {
    const [row] = await this.#db.rows<RunRow>(sql`${selectRun} where tracking_run.id = ${id}`)
    return row ? toRun(row) : null
  }

  async #get(id: number): Promise<Run> {
    const run = await this.#find(id)
    if (!run) throw new HearthError('not_found')
    return run
  }

  #now(): number {
    return this.#options.clock.now() * 1000
  }
}

/** What a change makes of the end of a run; undefined leaves it as it is. */
const endOf = (run: Run, change: RunChange, now: number): number | null | undefined => {
  if (change.endedAt !== undefined) return change.endedAt
  if (change.status === undefined) return undefined
  if (change.status === 'running') return null
  return run.endedAt ?? now
}
