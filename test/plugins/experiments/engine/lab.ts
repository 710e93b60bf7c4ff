/** An engine with all its real parts, but for who writes the programs and what runs them. */
import { Engine } from '../../../../plugins/experiments/engine/engine.ts'
import { Leases } from '../../../../plugins/experiments/engine/leases.ts'
import type { StepExecutor } from '../../../../plugins/experiments/execution/executor.ts'
import type { Experiment } from '../../../../plugins/experiments/experiment.ts'
import { Experiments } from '../../../../plugins/experiments/experiments.ts'
import { Files } from '../../../../plugins/experiments/files/files.ts'
import { fileMigrations } from '../../../../plugins/experiments/files/migrations.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import { type Decide, JournalStore } from '../../../../plugins/experiments/journal/store.ts'
import { budgetEnd } from '../../../../plugins/experiments/models/budget.ts'
import { Ledger, ledgerMigrations } from '../../../../plugins/experiments/models/ledger.ts'
import type { Proposer } from '../../../../plugins/experiments/propose/proposer.ts'
import { readExperiment } from '../../../../plugins/experiments/rows.ts'
import { experimentsMigrations } from '../../../../plugins/experiments/schema.ts'
import { createReferee } from '../../../../plugins/experiments/scoring/referee.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import type { Auth, Blobs, Database, Logger, Who } from '../../../../src/sdk.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { fakeClock, type FakeClock } from '../../../../src/testing.ts'
import { ScriptedJobs } from './scripted-jobs.ts'

export const owner: Who = { id: 0, username: 'local', isSuperuser: true, via: 'local' }

/** Writes programs whose score is drawn; a reviewer reads what they print. */
export const drawing: Proposer = {
  name: 'script',
  async propose({ kind }, { random }) {
    const code = JSON.stringify({ score: random(), fails: random() < 0.3 })
    return { plan: kind, code, author: 'script', calls: [] }
  },
  async review(_node, { failure, output }) {
    const metric = failure === null ? Number(output.head) : null
    return { isBug: failure !== null, summary: 'read', metric, lowerIsBetter: false, calls: [] }
  },
}

export interface LabOptions {
  readonly db?: Database
  readonly blobs?: Blobs
  readonly jobs?: ScriptedJobs
  readonly executor?: StepExecutor
  readonly proposer?: Proposer
  readonly log?: Logger
}

export interface Lab extends AsyncDisposable {
  readonly engine: Engine
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: FakeClock
  readonly store: JournalStore
  readonly ledger: Ledger
  readonly jobs: ScriptedJobs
  /** Whoever writes programs; a test may put another in its place. */
  proposer: Proposer
  add(given?: Given): Promise<string>
  get(id: string): Promise<Experiment>
  steer(id: string, decide: Decide): Promise<void>
  remove(id: string): Promise<void>
  /** The journal when it is as wanted: looked at after every change. */
  when(id: string, isSo: (journal: Journal) => boolean): Promise<Journal>
  /** When jobs are as wanted. */
  whenJobs(isSo: (jobs: ScriptedJobs) => boolean): Promise<void>
  ended(id: string): Promise<Journal>
}

export interface Given {
  readonly steps?: number
  readonly settings?: Readonly<Record<string, unknown>>
  readonly files?: Readonly<Record<string, string>>
  readonly goal?: string
}

/** What is under way goes on as far as it can by itself. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}

export const migrated = async (db: Database): Promise<Database> => {
  const migrations = [...experimentsMigrations, ...fileMigrations, ...ledgerMigrations]
  await migrate(db, [{ plugin: 'experiments', migrations }])
  return db
}

export const openLab = async (options: LabOptions = {}): Promise<Lab> => {
  const db = options.db ?? (await migrated(await openDatabase({ dataDir: ':memory:' })))
  const { blobs = memoryBlobs(), jobs = new ScriptedJobs(), log = silentLogger } = options
  const clock = fakeClock()
  const store = new JournalStore({ db, clock, log })
  const ledger = new Ledger(db, clock)
  const files = new Files({ db, blobs, clock })
  const desk = new Experiments({ db, blobs, clock, files })
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  const until = (isSo: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (!isSo()) return
      waiting.delete(look)
      resolve()
    }
    waiting.add(look)
    look()
    return promise
  }
  const journals = new Map<string, Journal>()
  store.onAppended((id, { journal }) => {
    journals.set(id, journal)
    changed()
  })
  const before = jobs.changed
  jobs.changed = () => {
    before()
    changed()
  }
  const engine: Engine = new Engine({
    ...{ db, blobs, clock, log, store },
    auth: { user: async () => null } as unknown as Auth,
    referee: createReferee({ blobs }),
    executor: options.executor ?? jobs,
    leases: new Leases({ db, clock, holder: crypto.randomUUID() }),
    proposerOf: async () => lab.proposer,
    spent: async ({ id, settings: { budget } }, elapsedS) =>
      budgetEnd(budget, elapsedS, await ledger.spent(id)),
  })
  const when = async (id: string, isSo: (journal: Journal) => boolean) => {
    if (!journals.has(id)) journals.set(id, await store.load(id))
    await until(() => isSo(journals.get(id)!))
    return journals.get(id)!
  }
  const lab: Lab = {
    ...{ engine, db, blobs, clock, store, ledger, jobs, when },
    proposer: options.proposer ?? drawing,
    async add({ steps = 5, settings = {}, files: given = {}, goal = 'Be good' } = {}) {
      const stored = await Promise.all(
        Object.entries(given).map(([name, text]) =>
          files.add(owner, name, new Blob([text]).stream()),
        ),
      )
      const common = { name: 'Experiment', goal, evaluation: null, steps, settings }
      const { id } = await desk.create(owner, { ...common, files: stored.map((file) => file.id) })
      return id
    },
    get: (id) => readExperiment(db, id),
    steer: (id, decide) => engine.steer(id, decide),
    remove: (id) => engine.abandon(id, () => desk.remove(id)),
    whenJobs: (isSo) => until(() => isSo(jobs)),
    ended: (id) => when(id, ({ startedAt, endedAt }) => startedAt !== null && endedAt !== null),
    async [Symbol.asyncDispose]() {
      await engine.stop()
      if (!options.db) await db.close()
    },
  }
  return lab
}

/** What two trees of the same search have in common: all but times. */
export const treeOf = ({ nodes }: Journal) =>
  nodes.map(({ id, stage, state, parents, plan, code, verdict, debugDepth, isPruned }) => {
    const { metric = null, failure = null } = verdict ?? {}
    return { id, stage, state, parents, plan, code, metric, failure, debugDepth, isPruned }
  })
