/** Who may see and change what: one rule for projects and runs, cached for the ingest path. */
import { type Clock, type Database, HearthError, sql, type Who } from '../../src/sdk.ts'
import type { RunStatus } from './state.ts'

export interface Owned {
  readonly ownerId: number
  readonly isPublic: boolean
  /** In the trash, by itself or with its project. */
  readonly isDeleted: boolean
}

export interface RunFacts extends Owned {
  readonly id: number
  readonly projectId: number
  /** As stored: whether a running run has crashed is state.ts's to say. */
  readonly status: RunStatus
}

export const owns = (who: Who, { ownerId }: Owned): boolean => who.isSuperuser || who.id === ownerId

export const mayRead = (who: Who, owned: Owned): boolean => owned.isPublic || owns(who, owned)

/** @throws HearthError `not_found`: what someone may not see does not exist for them */
export function assertReadable<T extends Owned>(who: Who, owned: T | null): asserts owned is T {
  if (!owned || owned.isDeleted || !mayRead(who, owned)) throw new HearthError('not_found')
}

/** @throws HearthError `not_found`, or `forbidden` when it may be read but not changed */
export function assertWritable<T extends Owned>(who: Who, owned: T | null): asserts owned is T {
  assertReadable(who, owned)
  if (!owns(who, owned)) throw new HearthError('forbidden')
}

/** Another server on the same database may change a run: its facts are believed this long. */
const cacheMs = 2_000
const maxCached = 20_000

interface Cached {
  readonly facts: RunFacts
  readonly untilMs: number
}

export class RunAccess {
  readonly #db: Database
  readonly #clock: Clock
  readonly #cache = new Map<number, Cached>()
  readonly #loads = new Map<number, Promise<RunFacts | null>>()
  #generation = 0

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** Facts about a run that `who` may read. @throws HearthError */
  async readable(who: Who, runId: number): Promise<RunFacts> {
    const facts = this.#fresh(runId) ?? (await this.#load(runId))
    assertReadable(who, facts)
    return facts
  }

  /** Facts about a run that `who` may change. @throws HearthError */
  async writable(who: Who, runId: number): Promise<RunFacts> {
    const facts = this.#fresh(runId) ?? (await this.#load(runId))
    assertWritable(who, facts)
    return facts
  }

  /** Whether anybody may read the run. */
  async isPublic(runId: number): Promise<boolean> {
    const facts = this.#fresh(runId) ?? (await this.#load(runId))
    return facts !== null && facts.isPublic && !facts.isDeleted
  }

  /** To be called after any change of a run, or, without an id, of a project. */
  forget(runId?: number): void {
    this.#generation++
    this.#loads.clear()
    if (runId === undefined) this.#cache.clear()
    else this.#cache.delete(runId)
  }

  #fresh(runId: number): RunFacts | undefined {
    const cached = this.#cache.get(runId)
    return cached && cached.untilMs > this.#clock.now() ? cached.facts : undefined
  }

  /** Concurrent callers share one query; one that was overtaken by a change is not kept. */
  #load(runId: number): Promise<RunFacts | null> {
    const running = this.#loads.get(runId)
    if (running) return running
    const generation = this.#generation
    const load = this.#query(runId).then((facts) => {
      if (generation === this.#generation) this.#keep(runId, facts)
      return facts
    })
    this.#loads.set(runId, load)
    const done = (): void => {
      if (this.#loads.get(runId) === load) this.#loads.delete(runId)
    }
    load.then(done, done)
    return load
  }

  #keep(runId: number, facts: RunFacts | null): void {
    this.#cache.delete(runId)
    if (!facts) return
    this.#cache.set(runId, { facts, untilMs: this.#clock.now() + cacheMs })
    if (this.#cache.size > maxCached) this.#cache.delete(this.#cache.keys().next().value as number)
  }

  async #query(runId: number): Promise<RunFacts | null> {
    const [row] = await this.#db.rows<FactsRow>(sql`
      select tracking_run.project_id, tracking_run.status, tracking_project.owner_id,
        tracking_project.is_public, tracking_run.deleted_at,
        tracking_project.deleted_at as project_deleted_at
      from tracking_run join tracking_project on tracking_project.id = tracking_run.project_id
      where tracking_run.id = ${runId}`)
    if (!row) return null
    return {
      id: runId,
      projectId: row.project_id,
      status: row.status,
      ownerId: row.owner_id,
      isPublic: Boolean(row.is_public),
      isDeleted: row.deleted_at !== null || row.project_deleted_at !== null,
    }
  }
}

interface FactsRow {
  readonly project_id: number
  readonly status: RunStatus
  readonly owner_id: number
  readonly is_public: boolean | number
  readonly deleted_at: number | null
  readonly project_deleted_at: number | null
}
