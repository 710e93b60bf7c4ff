/** Scenarios: agents that are trained, watched, and served; the API of AgentGym. */
import {
  definePlugin,
  HearthError,
  jobs,
  router,
  sql,
  type Timer,
  type Who,
} from '../../src/sdk.ts'
import { Shelf } from './brought/shelf.ts'
import { Catalogue } from './catalogue.ts'
import { Evaluations } from './sessions/evaluations.ts'
import { namedModels } from './gateway/models.ts'
import { scenariosDialect } from './gateway/refusals.ts'
import { RolloutTable } from './gateway/rollout-table.ts'
import { keepingPlayed } from './harness/kept-episodes.ts'
import { Probes, probeKind, probeRunner } from './harness/probes.ts'
import { Recordings } from './episodes/recordings.ts'
import { openEnvRoutes } from './openenv/routes.ts'
import { openEnvChannel } from './openenv/sockets.ts'
import { describeKind, OutsideDesk } from './outside/desk.ts'
import { outsideRoutes } from './outside/routes.ts'
import { describeRunner } from './outside/runner.ts'
import { Registry } from './models/registry.ts'
import { chatRoutes } from './routes-chat.ts'
import { frameworkRoutes } from './routes-frameworks.ts'
import { gatewayRoutes } from './routes-gateway.ts'
import { modelRoutes } from './routes-models.ts'
import { recordingRoutes } from './routes-recordings.ts'
import { rootRoutes } from './routes-root.ts'
import { scenarioRoutes } from './routes-scenarios.ts'
import { settingsRoutes } from './routes-settings.ts'
import { trainingRoutes } from './routes-training.ts'
import { trainingRunner } from './runner.ts'
import { scenariosMigrations } from './schema.ts'
import { bringRoutes } from './serving/bring.ts'
import { actRoutes } from './serving/routes.ts'
import { PackModels } from './serving/packs.ts'
import { ServedModels } from './serving/served.ts'
import { sessionsWhere, visibleSession } from './sessions/session.ts'
import { models, scenarios } from './service.ts'
import { SettingsStore } from './settings.ts'
import { Teachings } from './sessions/teachings.ts'
import { Trainings, topicOf, trainingKind, updateOf } from './sessions/trainings.ts'

const version = '1.0.0'
/** Between two looks for rollouts whose agents are gone. */
const sweepMs = 60_000

export default definePlugin({
  id: 'scenarios',
  version,
  sdk: '>=0.1.0',
  uses: { jobs },
  provides: { models, scenarios },
  dialect: scenariosDialect,
  paths: [
    '/api/scenarios',
    '/api/training',
    '/api/models',
    '/api/settings',
    '/api/agents',
    '/api/frameworks',
    '/openenv',
  ],
  migrations: scenariosMigrations,
  setup({ uses, db, blobs, auth, live, clock, log }) {
    const settings = new SettingsStore(db, auth)
    const registry = new Registry({ db, blobs, clock })
    const ownerOf = async (id: number): Promise<Who> => {
      if (id === 0) return { id, username: 'local', isSuperuser: true, via: 'local' }
      const user = await auth.user(id)
      if (!user) throw new HearthError('gone', 'The owner of the training is gone')
      return { ...user, via: 'key' }
    }
    const probes = new Probes({ db, jobs: uses.jobs, clock, ownerOf })
    const outside = new OutsideDesk({
      db,
      jobs: uses.jobs,
      clock,
      ownerOf,
      isTaken: (id) => catalogue.find(id) !== undefined,
    })
    const catalogue = new Catalogue(outside)
    const shelf = new Shelf(catalogue, uses.jobs)
    const recordings = new Recordings(db, clock)
    const keepPlayed = keepingPlayed({ jobs: uses.jobs, recordings, catalogue })
    const served = new ServedModels({ registry, catalogue, log })
    const trainings = new Trainings({
      db,
      jobs: uses.jobs,
      live,
      clock,
      registry,
      ownerOf,
      keepPlayed,
      sourceFor: (who, scenario) => shelf.sourceFor(who, scenario),
    })
    const evaluations = new Evaluations({ db, jobs: uses.jobs, catalogue, registry })
    const teachings = new Teachings(catalogue, recordings, uses.jobs)
    const packs = new PackModels({ registry, catalogue, settings, env: process.env })
    const modelOf = namedModels({ registry, served, settings, packs, env: process.env })
    const rollouts = new RolloutTable({ db, clock, catalogue, recordings, modelOf })
    uses.jobs.addSink(trainings)
    uses.jobs.onFinished(trainingKind, (job) => trainings.finished(job))
    uses.jobs.onFinished(probeKind, (job) => probes.finished(job))
    uses.jobs.onFinished(describeKind, (job) => outside.finished(job))
    const durationOf = async (scenario: string): Promise<string> => {
      const done = await sessionsWhere(db, sql`scenario = ${scenario} and status = 'completed'`)
      const last = done.at(-1)
      if (!last) return 'not measured yet'
      const seconds = (last.figures['elapsed_s'] ?? 0).toFixed(1)
      return `${seconds} s for ${last.episode} episodes`
    }
    let sweep: Timer | undefined
    return {
      routes: router()
        .use(rootRoutes(version))
        .use(
          scenarioRoutes({ catalogue, outside, registry, served, recordings, probes, durationOf }),
        )
        .use(outsideRoutes(outside))
        .use(openEnvRoutes(catalogue))
        .use(
          trainingRoutes({
            db,
            catalogue,
            trainings,
            evaluations,
            settings,
            probes,
            teachings,
            env: process.env,
          }),
        )
        .use(frameworkRoutes(probes))
        .use(modelRoutes(catalogue, registry))
        .use(actRoutes(registry, served))
        .use(bringRoutes({ catalogue, registry, served }))
        .use(chatRoutes({ catalogue, registry, served, packs }))
        .use(gatewayRoutes(rollouts))
        .use(recordingRoutes(catalogue, recordings))
        .use(settingsRoutes(settings)),
      services: { models: registry.service, scenarios: shelf },
      start() {
        sweep = clock.every(sweepMs, () => {
          rollouts.expire().catch((error: unknown) => {
            log.error('rollouts were not looked at', { error: String(error) })
          })
        })
      },
      stop() {
        sweep?.cancel()
        served.close()
      },
      runners: {
        [trainingKind]: trainingRunner,
        [probeKind]: probeRunner,
        [describeKind]: describeRunner,
      },
      channels: [
        openEnvChannel({ catalogue, clock }),
        {
          path: '/ws/training/:id',
          closesRefused: true,
          async open({ params, who }) {
            if (!who) throw new HearthError('unauthorized')
            const session = await visibleSession(db, who, params['id'] ?? '')
            const closing = { code: 1000, reason: `The training is ${session.status}` }
            return {
              topic: topicOf(session.id),
              hello: updateOf(session),
              ...(session.endedAt !== null && { closing }),
            }
          },
        },
      ],
    }
  },
})
