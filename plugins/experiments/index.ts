/** Experiments: programs that are written, run, scored and improved; the API of AIDE ML. */
import { definePlugin, HearthError, jobs, router, Type as t } from '../../src/sdk.ts'
import { tracking } from '../tracking/service.ts'
import { envelopeDialect } from './dialect.ts'
import { Engine, ownerOf } from './engine/engine.ts'
import { Leases } from './engine/leases.ts'
import { Turns } from './engine/turns.ts'
import { createStepExecutor, stepKind, stepRunner } from './execution/step-executor.ts'
import { Experiments } from './experiments.ts'
import { fileMigrations } from './files/migrations.ts'
import { Files } from './files/files.ts'
import { JournalStore } from './journal/store.ts'
import { cursorAfter, experimentChannel, messagesOf, replayOf, topicOf } from './live.ts'
import { budgetEnd } from './models/budget.ts'
import { Ledger, ledgerMigrations } from './models/ledger.ts'
import { Models } from './models/models.ts'
import { addressesIn, providersIn } from './models/providers.ts'
import { createLadder } from './propose/ladder/ladder.ts'
import { proposers } from './propose/proposers.ts'
import { configRoutes } from './routes-config.ts'
import { exampleRoutes } from './routes-examples.ts'
import { experimentRoutes } from './routes-experiments.ts'
import { fileRoutes } from './routes-files.ts'
import { importRoutes } from './routes-import.ts'
import { resultRoutes } from './routes-results.ts'
import { steeringRoutes } from './routes-steering.ts'
import { readExperiment, visibleExperiment } from './rows.ts'
import { experimentsMigrations } from './schema.ts'
import { createReferee } from './scoring/referee.ts'
import { experiments } from './service.ts'
import { TrackingRuns } from './tracking-runs.ts'
import { treeOf } from './tree-of.ts'

const documentedMaxFileBytes = 104_857_600

const config = t.Object({
  maxFileBytes: t.Integer({ minimum: 1024, default: documentedMaxFileBytes }),
  python: t.Union([t.String({ minLength: 1 }), t.Null()], {
    default: null,
    description: 'An interpreter that every node has there; null: one with `requirements`',
  }),
  requirements: t.Array(t.String(), {
    default: ['numpy', 'pandas', 'scipy', 'scikit-learn'],
    description: 'Packages of experiments that name none',
  }),
})

export default definePlugin({
  id: 'experiments',
  version: '1.0.0',
  sdk: '>=0.1.0',
  config,
  uses: { jobs, tracking },
  provides: { experiments },
  dialect: envelopeDialect,
  paths: ['/api/experiments', '/api/upload', '/api/files', '/api/config', '/api/example-tasks'],
  migrations: [...experimentsMigrations, ...fileMigrations, ...ledgerMigrations],
  setup({ config: settings, uses, db, blobs, auth, live, log, clock }) {
    const store = new JournalStore({ db, clock, log })
    const files = new Files({ db, blobs, clock })
    const desk = new Experiments({ db, blobs, clock, files })
    const executor = createStepExecutor({ ...settings, jobs: uses.jobs, blobs, clock, log })
    const referee = createReferee({ blobs })
    const ledger = new Ledger(db, clock)
    const models = new Models({ providers: providersIn(process.env), ledger, clock, log })
    const proposerOf = proposers({ models, ledger, ladder: createLadder(), db, store })
    const leases = new Leases({ db, clock, holder: crypto.randomUUID() })
    const engine = new Engine({
      ...{ db, blobs, auth, clock, log, store, referee, executor, leases },
      proposerOf,
      spent: async ({ id, settings: { budget } }, elapsedS) =>
        Object.keys(budget).length === 0
          ? null
          : budgetEnd(budget, elapsedS, await ledger.spent(id)),
    })
    const find = (id: string) => readExperiment(db, id)
    const runs = new TrackingRuns({
      ...{ db, store, clock, log, find },
      tracking: uses.tracking,
      ownerOf: (ownerId) => ownerOf(auth, ownerId),
    })
    // Cursors grow: what was added first is told first, whichever row is read sooner.
    const telling = new Turns()
    store.onAppended((id, { stored, journals }) => {
      const tell = async () => {
        const experiment = await find(id)
        const messages = stored.flatMap((event, i) => messagesOf(experiment, event, journals[i]!))
        live.publish(topicOf(id), messages)
      }
      telling
        .take(id, tell)
        .catch((error: unknown) => log.debug('Nobody could be told', { experiment: id, error }))
    })
    const routing = {
      ...{ store, engine, files, blobs, clock },
      experiments: desk,
      calls: (id: string) => ledger.list(id),
      treeOf: async (experiment: Parameters<typeof treeOf>[0]) =>
        treeOf(experiment, await store.load(experiment.id), await ledger.list(experiment.id)),
      packages: (
        who: Parameters<typeof executor.packages>[0],
        { settings: of }: { settings: { exec: Parameters<typeof executor.packages>[1] } },
      ) => executor.packages(who, of.exec),
      removeJobs: async (id: string) => {
        const owner = await ownerOf(auth, (await find(id)).ownerId)
        // What cannot be removed, as a node that is gone still has it, ends by itself.
        for (let removed = 1; removed > 0;) {
          const { jobs: found } = await uses.jobs.list(owner, { name: `${id} `, limit: 1000 })
          const all = found.map((job) => uses.jobs.remove(owner, job.id))
          const ends = await Promise.allSettled(all)
          removed = ends.filter(({ status }) => status === 'fulfilled').length
        }
      },
    }
    return {
      routes: router()
        .use(experimentRoutes(routing))
        .use(importRoutes(routing))
        .use(exampleRoutes(routing))
        .use(steeringRoutes(routing))
        .use(resultRoutes(routing))
        .use(fileRoutes({ files, maxFileBytes: settings.maxFileBytes }))
        .use(
          configRoutes({
            maxFileBytes: settings.maxFileBytes,
            supportedModels: models.supported(),
            addresses: addressesIn(process.env),
          }),
        ),
      channels: [
        experimentChannel({
          open: async (who, id) => {
            if (!who) throw new HearthError('unauthorized')
            return visibleExperiment(db, who, id)
          },
          async *replay(id, since) {
            const experiment = await find(id)
            yield replayOf(experiment, experiment.firstSteps, await store.read(id), since)
          },
          head: async (id) => cursorAfter((await find(id)).version),
        }),
      ],
      runners: { [stepKind]: stepRunner },
      services: {
        experiments: {
          create: (who, given) => desk.create(who, given),
          get: (who, id) => desk.get(who, id),
          journal: async (who, id) => store.load((await desk.get(who, id)).id),
          start: async (who, id) => {
            await engine.begin((await desk.get(who, id)).id)
            return desk.get(who, id)
          },
          stop: async (who, id) => {
            await engine.end((await desk.get(who, id)).id)
            return desk.get(who, id)
          },
        },
      },
      async start() {
        runs.start()
        await engine.start()
      },
      async stop() {
        await engine.stop()
        await runs.stop()
      },
    }
  },
})
