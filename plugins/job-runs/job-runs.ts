/** Logs what jobs measure into runs: one run for each job that measures something. */
import {
  type Auth,
  type Clock,
  type Database,
  HearthError,
  type Jobs,
  type Logger,
  type MetricBatch,
  type MetricPoint,
  type MetricSink,
  type SinkJob,
  sql,
  type Timer,
  type Who,
} from '../../src/sdk.ts'
import type { Tracking } from '../tracking/service.ts'
import { DefaultProjects } from './projects.ts'

export interface JobRunsOptions {
  readonly db: Database
  readonly auth: Auth
  readonly clock: Clock
  readonly log: Logger
  readonly jobs: Jobs
  readonly tracking: Tracking
}

/** Far below the time after which a silent run reads as crashed. */
const aliveMs = 60_000

const maxNameLength = 250

const ends = { succeeded: 'completed', failed: 'failed', cancelled: 'killed' } as const

interface RunRow {
  readonly job_id: string
  readonly owner_id: number
  readonly run_id: number
  readonly is_over: boolean | number
}

export class JobRuns implements MetricSink {
  readonly #options: JobRunsOptions
  readonly #projects: DefaultProjects
  #timer: Timer | undefined

  constructor(options: JobRunsOptions) {
    this.#options = options
    this.#projects = new DefaultProjects(options.db, options.tracking)
  }

  async append({ job, batchId, points }: MetricBatch): Promise<string> {
    const { tracking, clock } = this.#options
    const row = await this.#runOf(job)
    if (row.is_over) await this.#reopen(job, row)
    await tracking.points.append({
      runId: row.run_id,
      series: seriesOf(points, clock.now() * 1000),
      batchId,
    })
    tracking.state.touch(row.run_id)
    return String(row.run_id)
  }

  async ended(job: SinkJob): Promise<void> {
    const { db, tracking } = this.#options
    const status = ends[job.state as keyof typeof ends]
    const row = await this.#find(job.id)
    if (!row || !status) return
    await tracking.runs.update(await this.#whoIs(job.ownerId), row.run_id, { status })
    await db.run(sql`update job_runs_run set is_over = ${true} where job_id = ${job.id}`)
  }

  /** A job may measure nothing for hours: its run lives as long as the job does. */
  async start(): Promise<void> {
    this.#timer = this.#options.clock.every(aliveMs, () => {
      this.keepAlive().catch((error: unknown) =>
        this.#options.log.warn('Runs of jobs could not be kept alive', { error }),
      )
    })
    await this.keepAlive()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  async keepAlive(): Promise<void> {
    const { db, jobs, tracking } = this.#options
    const rows = await db.rows<RunRow>(sql`
      select job_id, owner_id, run_id, is_over from job_runs_run where is_over = ${false}`)
    for (const { job_id, owner_id, run_id } of rows) {
      const job = await jobs.get(await this.#whoIs(owner_id), job_id).catch(nothingFound)
      if (job && !(job.state in ends)) tracking.state.touch(run_id)
      // Deleted with its end untold: its run says so by falling silent.
      else if (!job) await db.run(sql`delete from job_runs_run where job_id = ${job_id}`)
    }
  }

  async #runOf(job: SinkJob): Promise<RunRow> {
    const { db, tracking } = this.#options
    const known = await this.#find(job.id)
    if (known) return known
    const who = await this.#whoIs(job.ownerId)
    const projectId = job.projectId ?? (await this.#projects.of(who))
    // The key makes a repetition after a crash answer the same run.
    const run = await tracking.runs.create(who, projectId, {
      name: (job.name || job.id).slice(0, maxNameLength),
      runKey: `job/${job.id}`,
      config: { job: job.id, kind: job.kind, command: [...job.command] },
      tags: ['job'],
    })
    await db.run(sql`
      insert into job_runs_run (job_id, owner_id, run_id, is_over)
      values (${job.id}, ${job.ownerId}, ${run.id}, ${false}) on conflict (job_id) do nothing`)
    return { job_id: job.id, owner_id: job.ownerId, run_id: run.id, is_over: false }
  }

  async #find(jobId: string): Promise<RunRow | undefined> {
    const [row] = await this.#options.db.rows<RunRow>(sql`
      select job_id, owner_id, run_id, is_over from job_runs_run where job_id = ${jobId}`)
    return row
  }

  /** The job was retried after its end. */
  async #reopen(job: SinkJob, { run_id }: RunRow): Promise<void> {
    const { db, tracking } = this.#options
    const who = await this.#whoIs(job.ownerId)
    await tracking.runs.update(who, run_id, { status: 'running' })
    await db.run(sql`update job_runs_run set is_over = ${false} where job_id = ${job.id}`)
  }

  /** Runs are made in the name of the job's owner, with the owner's rights. */
  async #whoIs(ownerId: number): Promise<Who> {
    const user = await this.#options.auth.user(ownerId)
    if (user) {
      const { id, username, isSuperuser } = user
      return { id, username, isSuperuser, via: 'key' }
    }
    if (ownerId !== 0) throw new HearthError('not_found', `There is no user ${ownerId}`)
    return { id: 0, username: 'local', isSuperuser: true, via: 'local' }
  }
}

const nothingFound = (error: unknown): null => {
  if (error instanceof HearthError && error.code === 'not_found') return null
  throw error
}

/** Columns by name. Where only some points bring a time, the others get the time of arrival. */
const seriesOf = (points: readonly MetricPoint[], nowMicros: number): SeriesInput[] => {
  const byName = new Map<string, MetricPoint[]>()
  for (const point of points) {
    const same = byName.get(point.name)
    if (same) same.push(point)
    else byName.set(point.name, [point])
  }
  return [...byName].map(([name, same]) => ({
    name,
    values: same.map(({ value }) => value),
    steps: same.map(({ step }) => step),
    ...(same.some(({ time }) => time !== undefined) && {
      times: same.map(({ time }) => time ?? nowMicros),
    }),
  }))
}

type SeriesInput = Parameters<Tracking['points']['append']>[0]['series'][number]
