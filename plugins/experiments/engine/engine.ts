/** All experiments that run on this server: begins them, goes on after a restart, ends them. */
import {
  type Auth,
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  type Logger,
  sql,
  type Timer,
} from '../../../src/sdk.ts'
import type { StepExecutor } from '../execution/executor.ts'
import { alreadyRunning } from '../errors.ts'
import type { Experiment } from '../experiment.ts'
import type { JournalEvent } from '../journal/events.ts'
import type { Journal } from '../journal/journal.ts'
import { keepDigests } from '../journal/kept.ts'
import type { Decide, JournalStore } from '../journal/store.ts'
import type { Proposer } from '../propose/proposer.ts'
import { inputsOf, readExperiment } from '../rows.ts'
import type { Referee } from '../scoring/referee.ts'
import { conduct, type Hand } from './conduct.ts'
import { endingOf } from './ending.ts'
import { type LaidGroundwork, layGroundwork } from './lay-groundwork.ts'
import type { Leases } from './leases.ts'
import { isOpen, isRunning } from './phase.ts'
import { Turns } from './turns.ts'

export { ownerOf } from './conduct.ts'

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
  /** Why a budget is used up, after so long a run; null while it is not. */
  spent(experiment: Experiment, elapsedS: number): Promise<string | null>
}

/** How often other servers' changes are looked for, and their experiments taken over. */
const lookMs = 2_000

interface Run extends Hand {
  readonly done: Promise<void>
}

export class Engine {
  readonly #options: EngineOptions
  readonly #runs = new Map<string, Run>()
  readonly #turns = new Turns()
  /** Not even their failure could be written down: they are not taken up again by themselves. */
  readonly #broken = new Set<string>()
  #isStopping = false
  #timer: Timer | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    options.store.onAppended((id, { journal }) => this.#runs.get(id)?.conductor?.see(journal))
  }

  async start(): Promise<void> {
    const { clock, leases, db } = this.#options
    leases.start((id) => this.#runs.get(id)?.leave.abort())
    await this.#takeOver()
    if (db.dialect === 'postgres') this.#timer = clock.every(lookMs, () => void this.#look())
  }

  /** Jobs go on; the next server that starts takes them up. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#timer?.cancel()
    const runs = [...this.#runs.values()]
    for (const { leave } of runs) leave.abort()
    await Promise.all(runs.map(({ done }) => done))
    await this.#options.leases.stop()
  }

  /**
   * Begins an experiment, or goes on with one that was stopped, failed or extended.
   * @throws HearthError `conflict` when it runs or nothing is left to do; `validation` for settings
   * that its data does not allow
   */
  begin(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      const { db, store, leases } = this.#options
      const experiment = await readExperiment(db, id)
      if (experiment.status === 'running') throw alreadyRunning()
      await this.#runs.get(id)?.done
      checkLeft(experiment, await store.load(id))
      await this.#options.proposerOf(experiment)
      if (!(await leases.take(id))) {
        await readExperiment(db, id)
        throw new HearthError('conflict', 'Another server is ending it; try again in a moment')
      }
      try {
        const { task } = await this.#lay(experiment, true)
        await store.append(id, (now) => {
          if (isRunning(now)) throw alreadyRunning()
          const directed: JournalEvent[] =
            task && now.maximize === null ? [{ type: 'directed', maximize: task.maximize }] : []
          return [{ type: 'started' }, ...directed]
        })
      } catch (error) {
        await leases.release(id)
        throw error
      }
      this.#broken.delete(id)
      this.#conduct(id)
    })
  }

  /** Ends what runs; answers when nothing of it does. @throws HearthError `conflict` */
  end(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      const { status } = await readExperiment(this.#options.db, id)
      if (status !== 'running') throw new HearthError('conflict', 'The experiment is not running')
      await this.#halt(id)
    })
  }

  /** Adds what a user wants, to an experiment that runs or does not. */
  async steer(id: string, decide: Decide): Promise<void> {
    await this.#options.store.append(id, decide)
  }

  /** Deletes it by `remove`: nothing of it runs by then, and nothing begins meanwhile. */
  abandon(id: string, remove: () => Promise<void>): Promise<void> {
    return this.#turns.take(id, async () => {
      await this.#halt(id)
      await remove()
      this.#options.store.forget(id)
    })
  }

  /** Whoever conducts it: afterwards nobody does. */
  async #halt(id: string): Promise<void> {
    const { leases, store } = this.#options
    if (!isRunning(await store.load(id))) return this.#runs.get(id)?.done
    // Nobody conducts what a server left behind that died: its programs are taken up, and ended.
    if (!this.#runs.has(id) && (await leases.take(id))) this.#conduct(id)
    const run = this.#runs.get(id)
    run?.stop.abort()
    await run?.done
    await store.append(id, (now) => (isRunning(now) ? [endingOf('stopped')] : []))
    await leases.free(id)
  }

  #conduct(id: string): void {
    if (this.#runs.has(id) || this.#isStopping) return
    const hand: Hand = { stop: new AbortController(), leave: new AbortController() }
    const done = this.#run(id, hand)
      .catch((error: unknown) => {
        this.#broken.add(id)
        this.#options.log.error('An experiment could not be conducted', { experiment: id, error })
      })
      .finally(() => this.#runs.delete(id))
    this.#runs.set(id, Object.assign(hand, { done }))
  }

  async #run(id: string, hand: Hand): Promise<void> {
    const { leases, store, log } = this.#options
    const lay = (experiment: Experiment) => this.#lay(experiment, false)
    const ending = await conduct({ ...this.#options, lay }, id, hand).catch((error: unknown) =>
      hand.stop.signal.aborted ? ('stopped' as const) : { error },
    )
    // Somebody else conducts it, or will: the lease is given back when all are left, or is lost.
    if (hand.leave.signal.aborted) return
    try {
      if (ending === 'stopped' || typeof ending === 'object') {
        if (ending !== 'stopped') log.warn('An experiment failed', { experiment: id, ...ending })
        const decide: Decide = (now) => (isRunning(now) ? [endingOf(ending)] : [])
        await store.append(id, decide, (tx) => leases.check(tx, id))
      }
    } catch (error) {
      if (!hand.leave.signal.aborted) throw error
    } finally {
      await leases.release(id)
    }
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
      if (this.#runs.has(id) || this.#broken.has(id)) continue
      if (await leases.take(id)) this.#conduct(id)
    }
  }

  /** What other servers have added; what they have deleted ends. */
  async #look(): Promise<void> {
    const { store, log } = this.#options
    try {
      await Promise.all(
        [...this.#runs].map(async ([id, { conductor, stop }]) => {
          const journal = await store.load(id).catch((error: unknown) => {
            if (!(error instanceof HearthError) || error.code !== 'not_found') throw error
            return null
          })
          if (journal) conductor?.see(journal)
          else stop.abort()
        }),
      )
      await this.#takeOver()
    } catch (error) {
      log.warn('Could not look for changes by other servers', { error })
    }
  }
}

const checkLeft = ({ status }: Experiment, { nodes, totalSteps }: Journal): void => {
  if (status !== 'completed' || nodes.length < totalSteps || nodes.some(isOpen)) return
  throw new HearthError('conflict', 'The experiment is complete; extend it to go on')
}
