/** The routes of episodes that are kept: list, look. */
import { router, t as elysia, Type as t } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { splits } from './environment.ts'
import { type Recordings, sources } from './recordings.ts'

const tags = ['scenarios']

const filter = {
  player: t.Optional(t.String({ maxLength: 200 })),
  task: t.Optional(t.String({ maxLength: 200 })),
  split: t.Optional(
    t.Union((Object.keys(splits) as (keyof typeof splits)[]).map((name) => t.Literal(name))),
  ),
  source: t.Optional(t.Union(sources.map((name) => t.Literal(name)))),
  success: t.Optional(elysia.BooleanString()),
}

const listQuery = t.Object({
  ...filter,
  skip: elysia.Integer({ minimum: 0, maximum: 1_000_000, default: 0 }),
  limit: elysia.Integer({ minimum: 1, maximum: 200, default: 50 }),
})

export const recordingRoutes = (catalogue: Catalogue, recordings: Recordings) =>
  router()
    .get(
      '/api/scenarios/:id/episodes',
      async ({ params, query, who }) => {
        const { spec } = await catalogue.get(who, params.id)
        return recordings.list(who, spec.id, query, query)
      },
      { query: listQuery, detail: { tags, summary: 'List the episodes that were kept' } },
    )
    .get(
      '/api/scenarios/:id/episodes/:n',
      async ({ params, who }) => {
        const { spec } = await catalogue.get(who, params.id)
        return recordings.get(who, spec.id, params.n)
      },
      {
        params: t.Object({ id: t.String(), n: elysia.Integer({ minimum: 1 }) }),
        detail: { tags, summary: 'Get an episode that was kept' },
      },
    )
