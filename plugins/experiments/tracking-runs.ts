/** Each experiment is a tracking run too: its scores by step, to be watched beside all others. */
import { type Clock, type Database, type Logger, sql, type Who } from '../../src/sdk.ts'
import type { Tracking } from '../tracking/service.ts'
import type { Experiment } from './experiment.ts'
import type { StoredEvent } from './journal/events.ts'
import { ranked } from './journal/good.ts'
import type { Journal } from './journal/journal.ts'
import type { JournalStore } from './journal/store.ts'

export interface TrackingRunsOptions {
  readonly db: Database
  readonly tracking: Tracking
  readonly store: JournalStore
  readonly clock: Clock
  readonly log: Logger
  find(experimentId: string): Promise<Experiment>
  ownerOf(ownerId: number): Promise<Who>
}

const projectName = 'Experiments'

const ends = { completed: 'completed', stopped: 'killed', failed: 'failed' } as const

/** Far below the time after which a silent run reads as crashed. */
const aliveMs = 60_000

export class TrackingRuns {
  readonly #options: TrackingRunsOptions
  /** What is told of one experiment is told in order. */
  readonly #lines = new Map<string, Promise<void>>()
  readonly #live = new Map<string, number>()
  readonly #seen = new Set<string>()
  #timer: { cancel(): void } | undefined

  constructor(options: TrackingRunsOptions) {
    this.#options = options
    options.store.onAppended((id, { stored, journal }) => this.#follow(id, stored, journal))
  }

  start(): void {
    const { clock, tracking } = this.#options
    this.#timer = clock.every(aliveMs, () => {
      for (const runId of this.#live.values()) tracking.state.touch(runId)
    })
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all(this.#lines.values())
  }

  #follow(id: string, stored: readonly StoredEvent[], journal: Journal): void {
    const { log } = this.#options
    const before = this.#lines.get(id) ?? Promise.resolve()
    const line = before
      .then(() => this.#tell(id, stored, journal))
      // Tracking is a view of the experiment: it never holds the experiment up.
      .catch((error: unknown) => log.warn('A run could not be kept', { experiment: id, error }))
      .finally(() => {
        if (this.#lines.get(id) === line) this.#lines.delete(id)
      })
    this.#lines.set(id, line)
  }

  async #tell(id: string, stored: readonly StoredEvent[], journal: Journal): Promise<void> {
    const { tracking, find, ownerOf } = this.#options
    const experiment = await find(id)
    const who = await ownerOf(experiment.ownerId)
    const runId = experiment.runId ?? (await this.#begin(who, experiment))
    // What an earlier process stored may not have been told: points that are there already stay.
    const events = this.#seen.has(id) ? stored : await this.#options.store.read(id)
    this.#seen.add(id)
    for (const { event } of stored) {
      if (event.type === 'started') {
        this.#live.set(id, runId)
        await tracking.runs.update(who, runId, { status: 'running' })
      }
      if (event.type in ends) {
        this.#live.delete(id)
        await tracking.runs.update(who, runId, { status: ends[event.type as keyof typeof ends] })
      }
    }
    const steps = events.flatMap(({ event }) =>
      event.type === 'finished' ? (pointsOf(journal, event.node) ?? []) : [],
    )
    for (const { step, values } of steps) {
      const series = Object.entries(values).map(([name, value]) => ({
        name,
        values: [value],
        steps: [step],
      }))
      await tracking.points.append({ runId, series, batchId: `${id}/${step}` })
    }
    tracking.state.touch(runId)
  }

  async #begin(who: Who, { id, name, goal, settings, task }: Experiment): Promise<number> {
    const { db, tracking } = this.#options
    const projectId = await this.#projectOf(who)
    const run = await tracking.runs.create(who, projectId, {
      name,
      // A repetition after a crash answers the same run.
      runKey: `experiment/${id}`,
      config: { experiment: id, goal, metric: task?.metric ?? null, ...flat(settings) },
      tags: ['experiment'],
    })
    await db.run(sql`
      update experiments_experiment set run_id = ${run.id}, project_id = ${projectId}
      where id = ${id}`)
    return run.id
  }

  async #projectOf(who: Who): Promise<number> {
    const { db, tracking } = this.#options
    const [row] = await db.rows<{ project_id: number }>(sql`
      select project_id from experiments_project where owner_id = ${who.id}`)
    const known = row?.project_id
    const isUsable = (id: number) => tracking.projects.writable(who, id).then(yes, no)
    if (known !== undefined && (await isUsable(known))) return known
    const { id } = await tracking.projects.create(who, {
      name: projectName,
      description: 'Runs of experiments',
    })
    await db.run(sql`
      insert into experiments_project (owner_id, project_id) values (${who.id}, ${id})
      on conflict (owner_id) do update set project_id = excluded.project_id`)
    return id
  }
}

const yes = (): boolean => true
const no = (): boolean => false

/** What a step adds to the curves; null: nothing that is a number. */
const pointsOf = (journal: Journal, nodeId: string) => {
  const node = journal.nodes.find(({ id }) => id === nodeId)
  if (!node?.verdict) return null
  const { metric, reportedMetric, isBuggy } = node.verdict
  const upToHere = { ...journal, nodes: journal.nodes.filter(({ step }) => step <= node.step) }
  const best = ranked(upToHere)[0]?.verdict?.metric
  const values: Record<string, number> = {
    buggy: Number(isBuggy),
    exec_time_s: node.run?.execTimeS ?? 0,
    ...(metric !== null && { metric }),
    ...(reportedMetric !== null && { reported_metric: reportedMetric }),
    ...(best !== null && best !== undefined && { best_metric: best }),
  }
  return { step: node.step, values }
}

const flat = (settings: Experiment['settings']): Record<string, string | number | boolean> => ({
  proposer: settings.proposer,
  policy: settings.policy,
  workers: settings.workers,
  seed: settings.seed,
  model: settings.models.code?.model ?? '',
})
