/** Trainings as jobs: begun, paused, gone on with, stopped; what they tell; what they leave. */
import {
  type Clock,
  type Database,
  HearthError,
  type JobView,
  type Jobs,
  type Live,
  type MetricBatch,
  type MetricSink,
  sql,
  type Who,
} from '../../../src/sdk.ts'
import { BaselineCache } from './baseline-cache.ts'
import type { Scenario } from '../environment.ts'
import type { ScenarioSource } from '../outside/definition.ts'
import type { Registry } from '../models/registry.ts'
import { type Session, sessionsWhere, sessionView, visibleSession } from './session.ts'
import { takeModel } from '../models/trained-model.ts'
import { reasonOf } from '../training/reason.ts'
import { scenarioHash } from '../scenario-hash.ts'
import { baselinesIn } from '../training/baselines.ts'
import type { TrainingSettings } from '../training/settings.ts'

/** As `plugin id.kind`. */
export const trainingKind = 'scenarios.train'

const lookMs = 50
const lastBytes = 2_000
/** A node that takes longer to begin is still getting what the program needs. */
const beginningMs = 2_000
/** A pause is an update away, a stop an evaluation more, by agents too. */
const patienceMs = 240_000

export interface TrainingsOptions {
  readonly db: Database
  readonly jobs: Jobs
  readonly live: Live
  readonly clock: Clock
  readonly registry: Registry
  readonly ownerOf: (id: number) => Promise<Who>
  /** Takes in what agents played for a training, under the name of its model. */
  readonly keepPlayed: (owner: Who, session: Session, model: string, job: string) => Promise<void>
  /** How a job of theirs comes by a scenario that is no part of the program. */
  readonly sourceFor: (who: Who, scenario: Scenario) => Promise<ScenarioSource | undefined>
}

export interface StartOptions {
  /** A label of the node that is to run it. */
  readonly node: string | undefined
  /** Nobody named the algorithm. */
  readonly isUsual: boolean
  /** For the program's environment, and kept nowhere else. */
  readonly secrets?: Readonly<Record<string, string>>
}

export const topicOf = (id: string): string => `training/${id}`

export class Trainings implements MetricSink {
  readonly #options: TrainingsOptions
  readonly #baselines: BaselineCache

  constructor(options: TrainingsOptions) {
    this.#options = options
    this.#baselines = new BaselineCache(options.db)
  }

  async start(
    who: Who,
    scenario: Scenario,
    framework: string,
    settings: TrainingSettings,
    { node, isUsual, secrets }: StartOptions,
  ): Promise<Session> {
    const { db, jobs, clock, sourceFor } = this.#options
    const source = await sourceFor(who, scenario)
    const hash = scenarioHash(scenario)
    const baselines = await this.#baselines.of(hash)
    const digits = crypto.getRandomValues(new Uint32Array(2)).join('').slice(0, 15)
    const draft = `session_0_${digits}`
    const { id, version } = scenario.spec
    await db.run(sql`insert into scenarios_session
      (id, owner_id, scenario, version, hash, framework, settings, is_usual, status, episode,
       figures, updates, created_at)
      values (${draft}, ${who.id}, ${id}, ${version}, ${hash}, ${framework},
       ${JSON.stringify(settings)}, ${isUsual ? 1 : 0}, 'running', 0, '{}', 0, ${clock.now()})`)
    const [made] = await sessionsWhere(db, sql`id = ${draft}`)
    if (!made) throw new Error('The session is gone')
    const key = `session_${made.n}_${digits}`
    await db.run(sql`update scenarios_session set id = ${key} where n = ${made.n}`)
    try {
      const job = await jobs.submit(who, {
        kind: trainingKind,
        spec: {
          settings,
          framework,
          ...(node !== undefined && { node }),
          ...(baselines && { baselines }),
          ...(source && { source }),
        },
        name: key,
        idempotency_key: key,
        ...(secrets && { secrets }),
        // After a crash it goes on from its last checkpoint.
        policy: { on_disconnect: 'retry', max_attempts: 3 },
      })
      await db.run(sql`update scenarios_session set job_id = ${job.id} where n = ${made.n}`)
    } catch (error) {
      await db.run(sql`delete from scenarios_session where n = ${made.n}`)
      throw error
    }
    return visibleSession(db, who, key)
  }

  /** As the document has it; of one that runs also what its job still waits for. */
  async view(who: Who, session: Session) {
    const view = sessionView(session)
    if (session.status !== 'running' || session.jobId === null) return view
    const { state, detail } = await this.#options.jobs.get(who, session.jobId)
    return { ...view, waiting_for: state === 'queued' || session.updates === 0 ? detail : null }
  }

  /** Answers when the state is safe on the server. */
  async pause(who: Who, id: string): Promise<void> {
    const session = await this.#changeable(who, id, 'pause', ['running', 'paused'])
    if (session.status === 'paused') return
    await this.#untilItHears(who, id)
    await this.#options.jobs.pause(who, session.jobId ?? '')
    const job = await this.#until(who, session, ({ state }) => state !== 'running')
    if (job.state !== 'paused') {
      throw new HearthError('conflict', 'The training ended before it could be paused')
    }
    await this.#set(session, sql`status = 'paused'`)
  }

  async resume(who: Who, id: string): Promise<void> {
    const { db, jobs } = this.#options
    const session = await this.#changeable(who, id, 'resume', ['paused'])
    // Of two that ask at once, one does it.
    const won = await db.run(sql`update scenarios_session set status = 'running'
      where n = ${session.n} and status = 'paused'`)
    if (won === 0) throw cannot('resume', 'running')
    try {
      await jobs.resume(who, session.jobId ?? '')
    } catch (error) {
      await this.#set(session, sql`status = 'paused'`)
      throw error
    }
    await this.#set(session, sql`status = status`)
  }

  /** Ends it and keeps its model: one, however often it is asked. */
  async stop(who: Who, id: string): Promise<Session> {
    const { db, jobs } = this.#options
    const session = await visibleSession(db, who, id)
    if (session.status === 'failed') {
      throw new HearthError('conflict', 'A training that failed cannot be stopped')
    }
    if (session.status === 'completed') return session
    const hasBegun = await this.#hasBegun(who, session)
    // Its state becomes a model where it can be evaluated: in the job.
    if (session.status === 'paused' && hasBegun) await this.resume(who, id)
    await this.#untilItHears(who, id, hasBegun)
    await jobs.cancel(who, session.jobId ?? '')
    await this.#wait(async () => (await visibleSession(db, who, id)).endedAt !== null)
    return visibleSession(db, who, id)
  }

  async append({ job, attempt, points }: MetricBatch): Promise<string | null> {
    if (job.kind !== trainingKind) return null
    const { db, live } = this.#options
    const [session] = await sessionsWhere(db, sql`id = ${job.name}`)
    if (!session || session.endedAt !== null) return null
    const told = Object.fromEntries(points.map(({ name, value }) => [name, value]))
    const finite = Object.entries(told).filter(([, value]) => Number.isFinite(value))
    const figures = { ...session.figures, ...Object.fromEntries(finite) }
    const episode = Math.max(session.episode, figures['episode'] ?? 0)
    const updates = session.updates + 1
    await db.transaction(async (tx) => {
      await tx.run(sql`update scenarios_session
        set figures = ${JSON.stringify(figures)}, episode = ${episode}, updates = ${updates},
          heard_attempt = ${attempt}
        where n = ${session.n}`)
      await tx.run(sql`insert into scenarios_point (session_id, seq, episode, data)
        values (${session.id}, ${updates}, ${episode}, ${JSON.stringify(told)})`)
    })
    const measured = baselinesIn(told)
    if (measured) await this.#baselines.keep(session.hash, measured)
    const now = { ...session, figures, episode, updates }
    live.publish(topicOf(session.id), [{ cursor: updates, data: updateOf(now) }])
    return null
  }

  async finished(job: JobView): Promise<void> {
    const { db, jobs, registry, clock, ownerOf } = this.#options
    const [session] = await sessionsWhere(db, sql`job_id = ${job.id}`)
    if (!session || session.endedAt !== null) return
    const owner = await ownerOf(session.ownerId)
    const { model, why } = await takeModel({ registry, jobs }, owner, session, job).then(
      async (taken) => ({ model: taken, why: taken ? '' : await reasonOf(jobs, owner, job) }),
      (error: unknown) => {
        if (error instanceof HearthError) return { model: null, why: error.message }
        throw error
      },
    )
    if (model) await this.#options.keepPlayed(owner, session, model.id, job.id)
    const isUnbegun = job.state === 'cancelled' && session.episode === 0
    const error = model ? null : isUnbegun ? 'It was stopped before it began' : why
    await this.#set(
      session,
      sql`status = ${model || isUnbegun ? 'completed' : 'failed'}, model_id = ${model?.id ?? null},
          error = ${error}, ended_at = ${clock.now()}`,
    )
  }

  /**
   * What asks a program to end is a signal, which ends one that has only just begun at once, and
   * nothing of it is kept. `must`: it is waited for until it runs; else only while it begins.
   */
  async #untilItHears(who: Who, id: string, must = false): Promise<void> {
    const { db, jobs, clock } = this.#options
    const beganAt = clock.now()
    await this.#wait(async () => {
      const { jobId, heardAttempt } = await visibleSession(db, who, id)
      const { state, attempt } = await jobs.get(who, jobId ?? '')
      if (state === 'running') return heardAttempt === attempt
      if (state === 'assigned') return !must && clock.now() - beganAt > beginningMs
      return state !== 'queued' || !must
    })
  }

  async #hasBegun(who: Who, { jobId }: Session): Promise<boolean> {
    const left = await this.#options.jobs.bytes.artifacts(who, jobId ?? '')
    return left.some(({ kind }) => kind === 'checkpoint')
  }

  async #changeable(who: Who, id: string, verb: string, from: readonly string[]) {
    const session = await visibleSession(this.#options.db, who, id)
    if (from.includes(session.status)) return session
    throw cannot(verb, session.status)
  }

  async #set(session: Session, changes: ReturnType<typeof sql>): Promise<void> {
    const { db, live } = this.#options
    await db.run(sql`update scenarios_session
      set updates = updates + 1, ${changes} where n = ${session.n}`)
    const [now] = await sessionsWhere(db, sql`n = ${session.n}`)
    if (!now) return
    const isLast = now.endedAt !== null && ({ isLast: true } as const)
    live.publish(topicOf(now.id), [{ cursor: now.updates, data: updateOf(now), ...isLast }])
  }

  async #until(who: Who, { jobId }: Session, isIt: (job: JobView) => boolean): Promise<JobView> {
    let job = await this.#options.jobs.get(who, jobId ?? '')
    await this.#wait(async () => {
      job = await this.#options.jobs.get(who, jobId ?? '')
      return isIt(job)
    })
    return job
  }

  /** @throws HearthError `unavailable` when it does not come about */
  async #wait(isSo: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#options
    const giveUpAt = clock.now() + patienceMs
    while (!(await isSo())) {
      if (clock.now() > giveUpAt) {
        throw new HearthError('unavailable', 'The node of the training does not answer')
      }
      await new Promise<void>((resolve) => clock.after(lookMs, resolve))
    }
  }
}

const cannot = (verb: string, status: string): HearthError =>
  new HearthError('conflict', `Cannot ${verb} a training that is ${status}`)

export const updateOf = (session: Session) => ({
  type: 'training_update',
  session_id: session.id,
  data: sessionView(session),
})
