/** Each experiment is a tracking run too: its scores by step, to be watched beside all others. */
import {
  type Clock,
  type Database,
  HearthError,
  type Logger,
  sql,
  type Who,
} from '../../src/sdk.ts'
import type { Tracking } from '../tracking/service.ts'
import type { Experiment } from './experiment.ts'
import type { JournalEvent, StoredEvent } from './journal/events.ts'
import { isGood } from './journal/good.ts'
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
    const { tracking, store } = this.#options
    const ending = stored.findLast(({ event }) => event.type in ends)?.event.type
    if (ending) this.#live.delete(id)
    const found = await this.#find(id)
    if (!found) return
    const { who, runId } = found
    // What an earlier process stored may not have been told: points that are there already stay.
    const events = this.#seen.has(id) ? stored : await store.read(id)
    this.#seen.add(id)
    if (stored.some(({ event }) => event.type === 'started')) {
      this.#live.set(id, runId)
      await tracking.runs.update(who, runId, { status: 'running' })
    }
    const added = new Set(events.flatMap(({ event }) => finishedNode(event)))
    for (const { node, step, values } of pointsOf(journal)) {
      if (!added.has(node)) continue
      const series = Object.entries(values).map(([name, value]) => ({
        name,
        values: [value],
        steps: [step],
      }))
      await tracking.points.append({ runId, series, batchId: `${id}/${step}` })
    }
    tracking.state.touch(runId)
    if (!ending) return
    this.#live.delete(id)
    this.#seen.delete(id)
    await tracking.runs.update(who, runId, { status: ends[ending as keyof typeof ends] })
  }

  /** Null: it is deleted by now. */
  async #find(id: string): Promise<{ who: Who; runId: number } | null> {
    const { find, ownerOf } = this.#options
    try {
      const experiment = await find(id)
      const who = await ownerOf(experiment.ownerId)
      return { who, runId: experiment.runId ?? (await this.#begin(who, experiment)) }
    } catch (error) {
      if (error instanceof HearthError && error.code === 'not_found') return null
      throw error
    }
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

const finishedNode = (event: JournalEvent): string[] =>
  event.type === 'finished' ? [event.node] : []

/** What each step adds to the curves. */
const pointsOf = (journal: Journal) => {
  const isBetter = (a: number, b: number) => (journal.maximize === false ? a < b : a > b)
  let best: number | null = null
  return journal.nodes.flatMap((node) => {
    if (!node.verdict) return []
    const { metric, reportedMetric, isBuggy } = node.verdict
    if (isGood(node) && metric !== null && (best === null || isBetter(metric, best))) best = metric
    const values: Record<string, number> = {
      buggy: Number(isBuggy),
      exec_time_s: node.run?.execTimeS ?? 0,
      ...(metric !== null && { metric }),
      ...(reportedMetric !== null && { reported_metric: reportedMetric }),
      ...(best !== null && { best_metric: best }),
    }
    return [{ node: node.id, step: node.step, values }]
  })
}

const flat = (settings: Experiment['settings']): Record<string, string | number | boolean> => ({
  proposer: settings.proposer,
  policy: settings.policy,
  workers: settings.workers,
  seed: settings.seed,
  model: settings.models.code?.model ?? '',
})
