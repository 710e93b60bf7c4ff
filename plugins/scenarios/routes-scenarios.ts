/** The routes of scenarios: what there is to be trained on, and single episodes to look at. */
import { HearthError, router, Type as t } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { playModel } from './episodes/model-player.ts'
import { play, players, trajectoryOf } from './episodes/play.ts'
import { type Scenario, splits } from './environment.ts'
import type { Probes } from './harness/probes.ts'
import { knownOnly, onlyKnown } from './known-keys.ts'
import type { Recordings } from './episodes/recordings.ts'
import { type OutsideDesk, outsideView } from './outside/desk.ts'
import type { Registry } from './models/registry.ts'
import type { ServedModels } from './serving/served.ts'

const tags = ['scenarios']

const playBody = knownOnly({
  player: t.Optional(
    t.Union(
      players.map((name) => t.Literal(name)),
      { description: 'Left out, and without a model: oracle' },
    ),
  ),
  model_id: t.Optional(t.String({ maxLength: 100 })),
  split: t.Union(
    (Object.keys(splits) as (keyof typeof splits)[]).map((name) => t.Literal(name)),
    { default: 'test' },
  ),
  episode: t.Integer({ minimum: 0, maximum: 2 ** 40 - 1, default: 0 }),
})

export interface ScenarioRoutesOptions {
  readonly catalogue: Catalogue
  readonly outside: OutsideDesk
  readonly registry: Registry
  readonly served: ServedModels
  readonly recordings: Recordings
  readonly probes: Probes
  /** Of the last training that was completed, in words. */
  durationOf(id: string): Promise<string>
}

export const scenarioRoutes = (options: ScenarioRoutesOptions) => {
  const { catalogue, outside, recordings, probes, durationOf } = options
  const view = async (scenario: Scenario) => {
    const { spec, source } = scenario
    return {
      id: spec.id,
      name: spec.name,
      description: spec.description,
      difficulty: spec.difficulty,
      duration: await durationOf(spec.id),
      // Nobody has rated anything yet.
      rating: 0,
      ratings_count: 0,
      tasks: spec.tasks.length,
      frameworks: await probes.playing(scenario),
      metrics: [...spec.metrics],
      features: [...spec.features],
      version: spec.version,
      task_names: [...spec.tasks],
      actions: [...spec.actions],
      observations: spec.observations,
      max_steps: spec.maxSteps,
      kind: source?.kind ?? 'native',
      status: 'ready',
      ...(source && 'described' in source && { described: source.described }),
    }
  }
  return router()
    .get('/api/scenarios', async ({ who }) => Promise.all((await catalogue.list(who)).map(view)), {
      detail: { tags, summary: 'List scenarios' },
    })
    .get(
      '/api/scenarios/:id',
      async ({ params, who }) => {
        const row = await outside.find(who, params.id)
        if (row && row.status !== 'ready') return outsideView(row)
        return view(await catalogue.get(who, params.id))
      },
      {
        detail: { tags, summary: 'Get a scenario' },
      },
    )
    .post(
      '/api/scenarios/:id/episodes',
      async ({ params, body, who }) => {
        onlyKnown(body, playBody)
        const scenario = await catalogue.get(who, params.id)
        const { model_id, player = 'oracle', split, episode } = body
        if (model_id !== undefined && body.player !== undefined) {
          throw new HearthError('validation', 'One of them plays: body.player or body.model_id')
        }
        const played = model_id
          ? await playModel(options, who, model_id, scenario, split, episode)
          : play(scenario, player, split, episode)
        const kept = trajectoryOf(scenario, model_id ?? player, played)
        return { ...played, n: await recordings.add(who.id, 'play', kept) }
      },
      {
        body: playBody,
        detail: { tags, summary: 'Play one episode and tell it step by step' },
      },
    )
}
