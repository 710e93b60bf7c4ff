/** OpenEnv over HTTP: what a scenario is, and calls that each have an environment of their own. */
import { HearthError, router, Type as t } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Scenario } from '../environment.ts'
import { Episodes } from './episodes.ts'
import { ActionData, ResetData, WireError } from './wire.ts'

const tags = ['openenv']

const stepBody = t.Object({
  action: ActionData,
  timeout_s: t.Optional(t.Union([t.Number({ exclusiveMinimum: 0 }), t.Null()])),
  request_id: t.Optional(t.Union([t.String({ maxLength: 255 }), t.Null()])),
})

export const openEnvRoutes = (catalogue: Catalogue) =>
  router()
    .get(
      '/openenv/:id/health',
      async ({ params, who }) => {
        await catalogue.get(who, params.id)
        return { status: 'healthy' }
      },
      { detail: { tags, summary: 'Whether an environment of the scenario can be had' } },
    )
    .get(
      '/openenv/:id/metadata',
      async ({ params, who }) => metadataOf(await catalogue.get(who, params.id)),
      { detail: { tags, summary: 'What the scenario is' } },
    )
    .get(
      '/openenv/:id/schema',
      async ({ params, who }) => schemaOf(await catalogue.get(who, params.id)),
      { detail: { tags, summary: 'JSON schemas of its actions, observations and state' } },
    )
    .post(
      '/openenv/:id/reset',
      async ({ params, body, who }) =>
        once(await catalogue.get(who, params.id), (episodes) => episodes.reset(body)),
      {
        body: ResetData,
        detail: { tags, summary: 'The first observation of an episode that is not gone on with' },
      },
    )
    .post(
      '/openenv/:id/step',
      async ({ params, body, who }) =>
        once(await catalogue.get(who, params.id), (episodes) => {
          episodes.reset()
          return episodes.step(body.action)
        }),
      {
        body: stepBody,
        detail: { tags, summary: 'One step of a new episode: sessions are at `/ws`' },
      },
    )
    .get(
      '/openenv/:id/state',
      async ({ params, who }) => once(await catalogue.get(who, params.id), ({ state }) => state),
      { detail: { tags, summary: 'The state of an environment that has done nothing yet' } },
    )

const once = <T>(scenario: Scenario, work: (episodes: Episodes) => T): T => {
  try {
    const episodes = new Episodes(scenario)
    try {
      return work(episodes)
    } finally {
      episodes.close()
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new HearthError(error.code === 'FACTORY_ERROR' ? 'conflict' : 'validation', error.message)
  }
}

const metadataOf = ({ spec }: Scenario) => ({
  name: spec.id,
  description: spec.description,
  readme_content: null,
  version: String(spec.version),
  author: null,
  documentation_url: null,
})

const schemaOf = ({ spec, conversation }: Scenario) => {
  const number = {
    title: 'By number',
    type: 'object',
    properties: {
      action: {
        type: 'integer',
        minimum: 0,
        maximum: spec.actions.length - 1,
        description: spec.actions.map((name, index) => `${index}: ${name}`).join(', '),
      },
    },
    required: ['action'],
    additionalProperties: false,
  }
  const calls = (conversation?.tools ?? []).map(({ name, description, parameters }) => ({
    title: name,
    description,
    type: 'object',
    properties: { name: { const: name }, arguments: parameters },
    required: ['name', 'arguments'],
    additionalProperties: false,
  }))
  return { action: { anyOf: [number, ...calls] }, observation: observationOf(spec), state }
}

const observationOf = ({ observations, actions }: Scenario['spec']) => {
  const many = (type: string, count: number) => ({
    type: 'array',
    items: { type },
    minItems: count,
    maxItems: count,
  })
  return {
    type: 'object',
    properties: {
      vector: many('number', observations),
      text: { type: ['string', 'null'] },
      mask: { anyOf: [many('integer', actions.length), { type: 'null' }] },
      terminated: { type: 'boolean' },
      truncated: { type: 'boolean' },
      info: { type: 'object' },
    },
    required: ['vector', 'text', 'mask', 'terminated', 'truncated', 'info'],
    additionalProperties: false,
  }
}

const state = {
  type: 'object',
  properties: {
    episode_id: { type: ['string', 'null'] },
    step_count: { type: 'integer', minimum: 0 },
    scenario_id: { type: 'string' },
    scenario_version: { type: 'integer' },
  },
  required: ['episode_id', 'step_count'],
}
