/** All experiments that run on this server: begins them, goes on after a restart, ends them. */
import {
  type Auth,
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  type Logger,
  sql,
  type Who,
} from '../../../src/sdk.ts'
import type { StepExecutor } from '../execution/executor.ts'
import { alreadyRunning } from '../errors.ts'
import type { Experiment } from '../experiment.ts'
import type { JournalEvent } from '../journal/events.ts'
import { keepDigests } from '../journal/kept.ts'
import type { Decide, JournalStore } from '../journal/store.ts'
import type { Proposer } from '../propose/proposer.ts'
import { inputsOf, readExperiment } from '../rows.ts'
import type { Referee } from '../scoring/referee.ts'
import { policyOf } from '../search/policies.ts'
import { randomFrom } from '../search/random.ts'
import { Conductor } from './conductor.ts'
import type { Ending } from './conductor-options.ts'
import { endingOf } from './ending.ts'
import { finishExperiment } from './finish.ts'
import { judgeNode } from './judge-node.ts'
import { type LaidGroundwork, layGroundwork } from './lay-groundwork.ts'
import type { Leases } from './leases.ts'

export interface EngineOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly auth: Auth
  readonly clock: Clock
  readonly log: Logger
  readonly store: JournalStore
  readonly referee: Referee
  readonly executor: StepExecutor
  readonly leases: Leases
  /** Who writes the programs. @throws HearthError when the settings ask for what is not there */
  proposerOf(experiment: Experiment): Promise<Proposer>
  /** Why a budget is used up; null while it is not. */
  spent(experiment: Experiment, startedAt: number | null): Promise<string | null>
}

/** How often other servers' changes are looked for, and their experiments taken over. */
const lookMs = 2_000

export class Engine {
  readonly #options: EngineOptions
  readonly #conductors = new Map<string, Conductor>()
  readonly #runs = new Map<string, Promise<void>>()
  #isStopping = false
  #timer: { cancel(): void } | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    options.store.onAppended((id) => void this.#conductors.get(id)?.refresh())
  }

  async start(): Promise<void> {
    const { clock, leases, db } = this.#options
    leases.start()
    await this.#takeOver()
    if (db.dialect === 'postgres') this.#timer = clock.every(lookMs, () => void this.#look())
  }

  /** Jobs go on; the next server that starts takes them up. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#timer?.cancel()
    for (const conductor of this.#conductors.values()) conductor.detach()
    await Promise.all(this.#runs.values())
    this.#options.leases.stop()
  }

  /**
   * Begins an experiment, or goes on with one that was stopped, failed or extended.
   * @throws HearthError `conflict` when it runs or nothing is left to do; `validation` for settings
   * that its data does not allow
   */
  async begin(id: string): Promise<void> {
    const { db, store } = this.#options
    const experiment = await readExperiment(db, id)
    if (experiment.status === 'running') throw alreadyRunning()
    const journal = await store.load(id)
    const left = journal.totalSteps - journal.nodes.length
    const open = journal.nodes.some(({ state }) => state !== 'finished')
    if (experiment.status === 'completed' && left <= 0 && !open) {
      throw new HearthError('conflict', 'The experiment is complete; extend it to go on')
    }
    await this.#options.proposerOf(experiment)
    const { task } = await this.#lay(experiment, true)
    await this.#options.leases.take(id)
    await store.append(id, (now) => {
      if (now.version !== journal.version) throw alreadyRunning()
      const directed: JournalEvent[] =
        task && now.maximize === null ? [{ type: 'directed', maximize: task.maximize }] : []
      return [{ type: 'started' }, ...directed]
    })
    this.#conduct(id)
  }

  /** Ends what runs; answers when nothing of it does. @throws HearthError `conflict` */
  async end(id: string): Promise<void> {
    const { db, store } = this.#options
    const { status } = await readExperiment(db, id)
    if (status !== 'running') throw new HearthError('conflict', 'The experiment is not running')
    const conductor = this.#conductors.get(id)
    if (conductor) {
      conductor.stop()
      await this.#runs.get(id)
      return
    }
    await store.append(id, () => [{ type: 'stopped', reason: 'Stopped by the user' }])
  }

  /** Adds what a user wants, to an experiment that runs or does not. */
  async steer(id: string, decide: Decide): Promise<void> {
    await this.#options.store.append(id, decide)
  }

  /** For a deletion: nothing of it runs afterwards. */
  async abandon(id: string): Promise<void> {
    this.#conductors.get(id)?.stop()
    await this.#runs.get(id)
    this.#options.store.forget(id)
  }

  isConducting(id: string): boolean {
    return this.#conductors.has(id)
  }

  #conduct(id: string): void {
    if (this.#conductors.has(id) || this.#runs.has(id) || this.#isStopping) return
    const run = this.#run(id)
      .catch((error: unknown) =>
        this.#options.log.error('An experiment could not be conducted', { experiment: id, error }),
      )
      .finally(() => this.#runs.delete(id))
    this.#runs.set(id, run)
  }

  async #run(id: string): Promise<void> {
    const { leases, store, db } = this.#options
    const experiment = await readExperiment(db, id)
    const ending = await this.#conducted(experiment).catch((error: unknown) => ({ error }))
    this.#conductors.delete(id)
    if (ending === 'detached' || this.#isStopping) return
    if (ending !== 'completed') {
      const event = endingOf(
        ending as Exclude<Ending, 'completed' | 'detached'> | { error: unknown },
      )
      if (typeof ending !== 'string') {
        this.#options.log.warn('An experiment failed', { experiment: id, error: ending.error })
      }
      await store.append(id, () => [event])
    }
    await leases.release(id)
  }

  async #conducted(experiment: Experiment): Promise<Ending> {
    const { auth, clock, log, store, executor, referee, blobs } = this.#options
    const owner = await ownerOf(auth, experiment.ownerId)
    const groundwork = await this.#lay(experiment, false)
    const proposer = await this.#options.proposerOf(experiment)
    const policy = policyOf(experiment.settings)
    const conductor = new Conductor(
      {
        experiment,
        owner,
        groundwork,
        proposer,
        executor,
        clock,
        log,
        decide: (journal, elapsedShare, random) =>
          policy.next({ journal, settings: experiment.settings.search, elapsedShare }, random),
        randomOf: (decision) => randomFrom(experiment.settings.seed, decision),
        load: () => store.load(experiment.id),
        append: async (decide) => (await store.append(experiment.id, decide)).journal,
        judge: (node, run, context, maximize) =>
          judgeNode({ referee, blobs, proposer, groundwork }, node, run, context, maximize),
        finish: (journal, signal) =>
          finishExperiment(
            {
              experiment,
              owner,
              groundwork,
              executor,
              referee,
              blobs,
              writeReport: async (after, best) =>
                (await proposer.report?.(conductor.contextOf(after), best)) ?? null,
            },
            journal,
            signal,
          ),
        spent: (journal) => this.#options.spent(experiment, journal.startedAt),
      },
      await store.load(experiment.id),
    )
    this.#conductors.set(experiment.id, conductor)
    return conductor.run()
  }

  /** Task and split are kept, so that everybody can be told of them. */
  async #lay(experiment: Experiment, keep: boolean): Promise<LaidGroundwork> {
    const { db } = this.#options
    const laid = await layGroundwork(this.#options, experiment, await inputsOf(db, experiment.id))
    if (keep) {
      const [task, prepared] = [laid.task, laid.prepared].map((one) => one && JSON.stringify(one))
      await db.run(sql`
        update experiments_experiment set task = ${task}, prepared = ${prepared}
        where id = ${experiment.id}`)
      const files = laid.prepared ? [...laid.prepared.visible, laid.prepared.truth] : []
      await keepDigests(
        db,
        experiment.id,
        files.map(({ sha256 }) => sha256),
      )
    }
    return laid
  }

  /** Goes on with what ran when its server ended. */
  async #takeOver(): Promise<void> {
    const { db, leases } = this.#options
    const rows = await db.rows<{ id: string }>(sql`
      select id from experiments_experiment where status = 'running' order by started_at`)
    for (const { id } of rows) {
      if (!this.#conductors.has(id) && (await leases.take(id))) this.#conduct(id)
    }
  }

  async #look(): Promise<void> {
    try {
      await Promise.all([...this.#conductors.values()].map((conductor) => conductor.refresh()))
      await this.#takeOver()
    } catch (error) {
      this.#options.log.warn('Could not look for changes by other servers', { error })
    }
  }
}

/** Programs run in the name of the experiment's owner, with the owner's rights. */
export const ownerOf = async (auth: Auth, ownerId: number): Promise<Who> => {
  if (ownerId === 0) return { id: 0, username: 'local', isSuperuser: true, via: 'local' }
  const user = await auth.user(ownerId)
  if (!user) throw new HearthError('not_found', `There is no user ${ownerId}`)
  const { id, username, isSuperuser } = user
  return { id, username, isSuperuser, via: 'key' }
}
