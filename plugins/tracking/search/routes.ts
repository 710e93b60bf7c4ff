/** The route that searches runs. */
import { router, t } from '../../../src/sdk.ts'
import { readJson } from '../body.ts'
import { jsonNumber } from '../numbers.ts'
import { anyObject, integer, runSummarySchema, runSummaryView } from '../views.ts'
import { type Found, type SearchOptions, searchRuns } from './search.ts'
import { maxFilterLength } from './tokens.ts'

const noNul = '^[^\\u0000]*$'
const key = t.String({ minLength: 1, maxLength: 250, pattern: noNul })

const searchBody = t.Object(
  {
    project_id: t.Optional(integer({ minimum: 1, description: 'Only runs of this project' })),
    filter: t.Optional(
      t.String({ maxLength: maxFilterLength, description: 'See docs/tracking.md' }),
    ),
    order_by: t.Optional(
      t.Array(t.String({ maxLength: maxFilterLength }), {
        maxItems: 8,
        description: 'Fields, each followed by asc or desc; equal runs by id, the newest first',
      }),
    ),
    metrics: t.Optional(
      t.Array(key, { maxItems: 500, description: 'Whose last values are wanted' }),
    ),
    params: t.Optional(t.Array(key, { maxItems: 500, description: 'Whose values are wanted' })),
    limit: t.Optional(integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: t.Optional(
      t.Union([t.String({ maxLength: 20_000 }), t.Null()], {
        description: '`next_cursor` of the page before',
      }),
    ),
  },
  {
    examples: [
      {
        filter: 'metrics.loss < 0.5 and (params.lr >= 1e-3 or tags contains "demo")',
        order_by: ['metrics.loss asc'],
        metrics: ['loss'],
        params: ['lr'],
        limit: 100,
      },
    ],
  },
)

const searchReply = t.Object({
  runs: t.Array(
    t.Composite([
      runSummarySchema,
      t.Object({
        metrics: anyObject({ description: 'Last values by name' }),
        params: anyObject({ description: 'Values by key' }),
      }),
    ]),
  ),
  next_cursor: t.Union([t.String(), t.Null()]),
  total: integer({ description: 'Runs on all pages' }),
})

export const searchRoutes = (options: SearchOptions) =>
  router()
    .parser('trackingJson', ({ request }) => readJson(request))
    .post(
      '/runs/search',
      async ({ body, who }) => {
        const found = await searchRuns(options, who, {
          projectId: body.project_id,
          filter: body.filter ?? '',
          orderBy: body.order_by ?? [],
          metrics: body.metrics ?? [],
          params: body.params ?? [],
          limit: body.limit ?? 100,
          cursor: body.cursor ?? undefined,
        })
        return foundView(found, options)
      },
      {
        parse: 'trackingJson',
        body: searchBody,
        response: searchReply,
        detail: {
          tags: ['runs'],
          summary: 'Search runs',
          description:
            'Runs of the caller, or of one project, by metrics, parameters, tags and attributes, ' +
            'with only the columns asked for.',
        },
      },
    )

const foundView = ({ runs, nextCursor, total }: Found, { state }: SearchOptions) => ({
  runs: runs.map(({ run, metrics, params }) => ({
    ...runSummaryView(run, state),
    metrics: recordOf(metrics, jsonNumber),
    params: recordOf(params, (value) => (typeof value === 'number' ? jsonNumber(value) : value)),
  })),
  next_cursor: nextCursor,
  total,
})

/** An object whose keys may be any text, `__proto__` included. */
const recordOf = <In, Out>(
  map: ReadonlyMap<string, In>,
  view: (value: In) => Out,
): Record<string, Out> =>
  Object.fromEntries(Array.from(map, ([name, value]) => [name, view(value)]))
