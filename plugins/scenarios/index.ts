/** Scenarios: agents that are trained, watched, and served; the API of AgentGym. */
import {
  definePlugin,
  detailDialect,
  HearthError,
  jobs,
  router,
  sql,
  type Who,
} from '../../src/sdk.ts'
import { Catalogue } from './catalogue.ts'
import { Evaluations } from './evaluations.ts'
import { Registry } from './registry.ts'
import { chatRoutes } from './routes-chat.ts'
import { modelRoutes } from './routes-models.ts'
import { rootRoutes } from './routes-root.ts'
import { scenarioRoutes } from './routes-scenarios.ts'
import { settingsRoutes } from './routes-settings.ts'
import { trainingRoutes } from './routes-training.ts'
import { trainingRunner } from './runner.ts'
import { scenariosMigrations } from './schema.ts'
import { sessionsWhere, visibleSession } from './session.ts'
import { SettingsStore } from './settings.ts'
import { Trainings, topicOf, trainingKind, updateOf } from './trainings.ts'

const version = '1.0.0'

export default definePlugin({
  id: 'scenarios',
  version,
  sdk: '>=0.1.0',
  uses: { jobs },
  dialect: detailDialect,
  paths: ['/api/scenarios', '/api/training', '/api/models', '/api/settings'],
  migrations: scenariosMigrations,
  setup({ uses, db, blobs, auth, live, clock }) {
    const catalogue = new Catalogue()
    const settings = new SettingsStore(db, auth)
    const registry = new Registry({ db, blobs, jobs: uses.jobs, clock })
    const ownerOf = async (id: number): Promise<Who> => {
      if (id === 0) return { id, username: 'local', isSuperuser: true, via: 'local' }
      const user = await auth.user(id)
      if (!user) throw new HearthError('gone', 'The owner of the training is gone')
      return { ...user, via: 'key' }
    }
    const trainings = new Trainings({ db, jobs: uses.jobs, live, clock, registry, ownerOf })
    const evaluations = new Evaluations({ db, jobs: uses.jobs, catalogue, registry })
    uses.jobs.addSink(trainings)
    uses.jobs.onFinished(trainingKind, (job) => trainings.finished(job))
    const durationOf = async (scenario: string): Promise<string> => {
      const done = await sessionsWhere(db, sql`scenario = ${scenario} and status = 'completed'`)
      const last = done.at(-1)
      if (!last) return 'not measured yet'
      const seconds = (last.figures['elapsed_s'] ?? 0).toFixed(1)
      return `${seconds} s for ${last.episode} episodes`
    }
    return {
      routes: router()
        .use(rootRoutes(version))
        .use(scenarioRoutes({ catalogue, registry, durationOf }))
        .use(trainingRoutes({ db, catalogue, trainings, evaluations, settings }))
        .use(modelRoutes(registry))
        .use(chatRoutes(catalogue, registry))
        .use(settingsRoutes(settings)),
      runners: { [trainingKind]: trainingRunner },
      channels: [
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
