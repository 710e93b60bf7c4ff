/** The routes of trainings, as AgentGym's document has them. */
import { type Database, HearthError, router, sql, t as elysia, Type as t } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { type Split, splits } from './environment.ts'
import type { Evaluations } from './sessions/evaluations.ts'
import { frameworks } from './frameworks.ts'
import type { Probes } from './harness/probes.ts'
import { knownOnly, onlyKnown } from './known-keys.ts'
import { newestQuery } from './newest.ts'
import { sessionsWhere, visibleSession } from './sessions/session.ts'
import type { SettingsStore } from './settings.ts'
import { unsuitable, usualAlgorithm, unharnessed } from './training/algorithms.ts'
import type { Teachings } from './sessions/teachings.ts'
import { languageFields, languageSettings, usualRate } from './training/language/settings.ts'
import { upstreamSecrets } from './training/prompt/secrets.ts'
import { algorithmNames } from './training/settings.ts'
import type { Trainings } from './sessions/trainings.ts'

const tags = ['training']

/** The document allows 1000; learning by trial takes more. */
const maxEpisodes = 10_000_000

const startBody = knownOnly(
  {
    scenario_id: t.String({ minLength: 1, maxLength: 100 }),
    // What is left out is as in the settings of whoever asks.
    framework: t.Optional(t.Union(frameworks.map((name) => t.Literal(name)))),
    max_episodes: t.Optional(t.Integer({ minimum: 1, maximum: maxEpisodes })),
    learning_rate: t.Optional(t.Number({ exclusiveMinimum: 0, maximum: 1 })),
    seed: t.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
    // Left out: what does best in few episodes.
    algorithm: t.Optional(t.Union(algorithmNames.map((name) => t.Literal(name)))),
    // Whose episodes are learned from first, by algorithms that do that.
    demonstrations: t.Union([t.Literal('oracle'), t.Literal('recorded')], { default: 'oracle' }),
    node: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
    ...languageFields,
  },
  {
    examples: [
      {
        scenario_id: 'customer_support',
        framework: 'Native',
        max_episodes: 200,
        learning_rate: 0.001,
      },
    ],
  },
)

export interface TrainingRoutesOptions {
  readonly db: Database
  readonly catalogue: Catalogue
  readonly trainings: Trainings
  readonly evaluations: Evaluations
  readonly settings: SettingsStore
  readonly probes: Probes
  readonly teachings: Teachings
  readonly env: Readonly<Record<string, string | undefined>>
}

export const trainingRoutes = ({
  db,
  catalogue,
  trainings,
  evaluations,
  settings: all,
  probes,
  teachings,
  env,
}: TrainingRoutesOptions) =>
  router()
    .post(
      '/api/training/start',
      async ({ body, who }) => {
        onlyKnown(body, startBody)
        const scenario = await catalogue.get(who, body.scenario_id)
        const usual = await all.of(who.id)
        const framework = body.framework ?? usual.framework
        const algorithm = body.algorithm ?? usualAlgorithm(scenario, body.demonstrations)
        await probes.mustPlay(framework, scenario)
        const why =
          unsuitable(algorithm, scenario, body.demonstrations) ?? unharnessed(algorithm, framework)
        if (why !== null) throw new HearthError('conflict', why)
        const episodes = body.max_episodes ?? usual.maxEpisodes
        const language = languageSettings(algorithm, episodes, body)
        const recorded =
          body.demonstrations === 'recorded' &&
          (await teachings.take(who, scenario, algorithm, episodes))
        const settings = {
          scenario: scenario.spec.id,
          algorithm,
          episodes,
          learningRate: body.learning_rate ?? usualRate(algorithm) ?? usual.learningRate,
          seed: body.seed,
          ...(recorded && { recorded }),
          ...language,
        }
        if (language.prompt && scenario.source) {
          // Its program would see the key that the server has.
          const message = `${algorithm} plays scenarios that are part of the server only`
          throw new HearthError('conflict', message)
        }
        const secrets = language.prompt && (await upstreamSecrets(env, all, who))
        const { id } = await trainings.start(who, scenario, framework, settings, {
          node: body.node,
          isUsual: body.algorithm === undefined,
          ...(secrets && { secrets }),
        })
        return { session_id: id, status: 'started' }
      },
      { body: startBody, detail: { tags, summary: 'Start a training session' } },
    )
    .get(
      '/api/training',
      async ({ query, who }) => {
        const mine = who.isSuperuser ? sql`1 = 1` : sql`owner_id = ${who.id}`
        const sessions = await sessionsWhere(db, mine, query)
        return Promise.all(sessions.map((session) => trainings.view(who, session)))
      },
      { query: newestQuery, detail: { tags, summary: 'List training sessions' } },
    )
    .get(
      '/api/training/:id',
      async ({ params, who }) => trainings.view(who, await visibleSession(db, who, params.id)),
      { detail: { tags, summary: 'Get how far a training session is' } },
    )
    .get(
      '/api/training/:id/history',
      async ({ params, who }) => {
        const { id } = await visibleSession(db, who, params.id)
        const rows = await db.rows<{ episode: number; data: string }>(sql`
          select episode, data from scenarios_point where session_id = ${id} order by seq`)
        return rows.map(({ episode, data }) => ({ episode, ...(JSON.parse(data) as object) }))
      },
      { detail: { tags, summary: 'Get the curves of a training session' } },
    )
    .get(
      '/api/training/:id/evaluate',
      ({ params, query, who }) => evaluations.of(who, params.id, query.split, query.episodes),
      {
        query: t.Object({
          split: t.Union(
            (Object.keys(splits) as Split[]).map((name) => t.Literal(name)),
            { default: 'validation' },
          ),
          episodes: elysia.Integer({ minimum: 1, maximum: 10_000, default: 500 }),
        }),
        detail: { tags, summary: 'Evaluate a training that is paused or completed' },
      },
    )
    .post(
      '/api/training/:id/pause',
      async ({ params, who }) => {
        await trainings.pause(who, params.id)
        return { status: 'paused' }
      },
      { detail: { tags, summary: 'Pause a training session; answers once its state is safe' } },
    )
    .post(
      '/api/training/:id/resume',
      async ({ params, who }) => {
        await trainings.resume(who, params.id)
        return { status: 'resumed' }
      },
      { detail: { tags, summary: 'Go on with a training session that is paused' } },
    )
    .post(
      '/api/training/:id/stop',
      async ({ params, who }) => {
        const { modelId } = await trainings.stop(who, params.id)
        return { status: 'stopped', model_id: modelId }
      },
      { detail: { tags, summary: 'Stop a training session and keep its model' } },
    )
