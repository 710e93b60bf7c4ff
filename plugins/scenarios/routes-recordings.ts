/** The routes of episodes that are kept: list, look, sum up, judge again. */
import { HearthError, router, t as elysia, Type as t, type Who } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { splits } from './environment.ts'
import { type Recordings, sources } from './episodes/recordings.ts'
import { rescore } from './episodes/rescore.ts'
import { knownOnly, onlyKnown } from './known-keys.ts'

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

const rescoreBody = knownOnly({
  ...filter,
  success: t.Optional(t.Boolean()),
  /** These and no others. */
  episodes: t.Optional(t.Array(t.Integer({ minimum: 1 }), { minItems: 1, maxItems: 1000 })),
  any_version: t.Boolean({ default: false }),
  skip: t.Integer({ minimum: 0, maximum: 1_000_000, default: 0 }),
  limit: t.Integer({ minimum: 1, maximum: 1000, default: 200 }),
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
      '/api/scenarios/:id/episodes/summary',
      async ({ params, query, who }) => {
        const { spec } = await catalogue.get(who, params.id)
        return recordings.summary(who, spec.id, query)
      },
      {
        query: t.Object(filter),
        detail: { tags, summary: 'Sum up the episodes that were kept: success, score, pass^k' },
      },
    )
    .post(
      '/api/scenarios/:id/episodes/rescore',
      async ({ params, body, who }) => {
        onlyKnown(body, rescoreBody)
        const { spec } = await catalogue.get(who, params.id)
        const scenario = catalogue.find(spec.id)
        if (!scenario) {
          throw new HearthError('conflict', `Episodes of ${spec.id} are played by jobs only`)
        }
        const { episodes: numbers, any_version, skip, limit, ...rest } = body
        const page = { skip, limit }
        const chosen =
          numbers ?? (await recordings.list(who, spec.id, rest, page)).episodes.map(({ n }) => n)
        return rescore(scenario, inSlices(recordings, who, spec.id, chosen), any_version)
      },
      {
        body: rescoreBody,
        detail: { tags, summary: 'Judge kept episodes by the rules of today; changes nothing' },
      },
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

/** Few at a time: other requests have their turn between them. */
const slice = 25

async function* inSlices(recordings: Recordings, who: Who, scenario: string, numbers: number[]) {
  for (let from = 0; from < numbers.length; from += slice) {
    const part = numbers.slice(from, from + slice)
    const found = await recordings.some(who, scenario, part)
    if (found.length < new Set(part).size) throw new HearthError('not_found', 'Episode not found')
    yield* found
    await new Promise((resolve) => setImmediate(resolve))
  }
}
