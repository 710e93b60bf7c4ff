/** The routes that read metrics. */
import { HearthError, router, t } from '../../src/sdk.ts'
import type { RunAccess } from './access.ts'
import { chartsJson, historyJson, metricsJson, summariesJson } from './metric-json.ts'
import { documented, idOf, integerOf, invalid, namesOf, pageOf, queryOf } from './parameters.ts'
import type { PointStore, SeriesHistory } from './points/store.ts'
import { chartSchema, historySchema, integer, metricSchema, metricSummarySchema } from './views.ts'

export interface MetricRoutesOptions {
  readonly points: PointStore
  readonly access: RunAccess
}

const maxPage = 10_000
const maxBuckets = 10_000
/** Longer histories are sent in pieces. */
const maxPointsAtOnce = 20_000

const integerSchema = { type: 'integer', minimum: Number.MIN_SAFE_INTEGER }

const json = (body: string | ReadableStream<Uint8Array>): Response =>
  new Response(body, { headers: { 'content-type': 'application/json' } })

export const metricRoutes = ({ points, access }: MetricRoutesOptions) => {
  const history = async ({ request, params, who }: HistoryRequest): Promise<Response> => {
    const { id } = await access.readable(who, idOf(params.run_id, 'run_id'))
    const name = metricNameOf(request.url)
    const found = (await points.history(id, name)) ?? (await withoutSlash(points, id, name))
    if (!found) throw new HearthError('not_found')
    return json(historyBody(found))
  }
  return router()
    .get(
      '/metrics/:run_id',
      async ({ params, request, who }) => {
        const { id } = await access.readable(who, idOf(params.run_id, 'run_id'))
        const query = queryOf(request)
        const name = query.get('metric_name')
        const page = pageOf(query, 1000, maxPage)
        return json(
          metricsJson(await points.list({ runId: id, ...(name !== null && { name }), ...page })),
        )
      },
      {
        response: t.Array(metricSchema),
        detail: {
          tags: ['metrics'],
          summary: 'List metrics',
          description: 'The points of a run, by timestamp.',
          parameters: [
            documented.id('run_id'),
            documented.query('metric_name', { type: 'string' }, 'Only points of this metric'),
            ...documented.page(1000, maxPage),
          ],
        },
      },
    )
    .get('/metrics/:run_id/history/:metric_name', history, {
      response: historySchema,
      detail: {
        tags: ['metrics'],
        summary: 'Read the history of a metric',
        description: 'All its points as columns, by timestamp. The name may hold slashes.',
        parameters: [
          documented.id('run_id'),
          {
            name: 'metric_name',
            in: 'path',
            required: true,
            schema: { type: 'string' },
            description: 'Name of the metric; its slashes may be encoded or not',
            example: 'loss',
          },
        ],
      },
    })
    .get('/metrics/:run_id/history/*', history, { detail: { hide: true } })
    .use(overviewRoutes({ points, access }))
}

const overviewRoutes = ({ points, access }: MetricRoutesOptions) =>
  router()
    .get(
      '/metrics/:run_id/summary',
      async ({ params, request, who }) => {
        const { id } = await access.readable(who, idOf(params.run_id, 'run_id'))
        return json(summariesJson(await points.summary(id, namesOf(queryOf(request)))))
      },
      {
        response: t.Array(metricSummarySchema),
        detail: {
          tags: ['metrics'],
          summary: 'Summarise metrics',
          description:
            'Last value by timestamp; minimum, maximum and mean over finite values; all points ' +
            'counted.',
          parameters: [documented.id('run_id'), documented.names],
        },
      },
    )
    .get(
      '/metrics/:run_id/chart',
      async ({ params, request, who }) => {
        const { id } = await access.readable(who, idOf(params.run_id, 'run_id'))
        return json(
          chartsJson(await points.chart({ runId: id, ...chartQueryOf(queryOf(request)) })),
        )
      },
      {
        response: t.Array(chartSchema),
        detail: {
          tags: ['metrics'],
          summary: 'Read metrics for a chart',
          description:
            'At most `buckets` buckets a metric, each with its minimum, maximum, mean, last ' +
            'value and count, so that no spike is lost; the points themselves when they fit. ' +
            'Buckets ' +
            'are as wide as a power of two and keep their edges as a run grows.',
          parameters: [
            documented.id('run_id'),
            { ...documented.names, required: true },
            documented.query(
              'buckets',
              { type: 'integer', minimum: 1, maximum: maxBuckets, default: 1000 },
              'At most so many buckets a metric',
            ),
            documented.query('from', integerSchema, 'First step'),
            documented.query('to', integerSchema, 'Last step'),
          ],
        },
      },
    )
    .get(
      '/metrics/:run_id/names',
      async ({ params, request, who }) => {
        const { id } = await access.readable(who, idOf(params.run_id, 'run_id'))
        const query = queryOf(request)
        const { skip, limit } = pageOf(query, 1000, maxPage)
        const names = matching(await points.names(id), query)
        return { names: names.slice(skip, skip + limit), total: names.length }
      },
      {
        response: t.Object(
          { names: t.Array(t.String()), total: integer() },
          { examples: [{ names: ['accuracy', 'loss'], total: 2 }] },
        ),
        detail: {
          tags: ['metrics'],
          summary: 'List the names of metrics',
          parameters: [
            documented.id('run_id'),
            documented.query('prefix', { type: 'string' }, 'Only names that begin with it'),
            documented.query(
              'search',
              { type: 'string' },
              'Only names that contain it, in any case',
            ),
            ...documented.page(1000, maxPage),
          ],
        },
      },
    )

interface HistoryRequest {
  readonly request: Request
  readonly params: { readonly run_id: string }
  readonly who: Parameters<RunAccess['readable']>[0]
}

/** The rest of the path, which may hold slashes as they are. @throws HearthError `validation` */
const metricNameOf = (url: string): string => {
  const { pathname } = new URL(url)
  try {
    return decodeURIComponent(pathname.replace(/^\/metrics\/[^/]*\/history\//, ''))
  } catch {
    throw invalid('path.metric_name', 'is not correctly encoded')
  }
}

/** Paths work with and without a slash at the end, unless a metric's name ends in one. */
const withoutSlash = (
  points: PointStore,
  runId: number,
  name: string,
): Promise<SeriesHistory | null> =>
  name.endsWith('/') ? points.history(runId, name.slice(0, -1)) : Promise.resolve(null)

const historyBody = (history: SeriesHistory): string | ReadableStream<Uint8Array> => {
  const pieces = historyJson(history)
  if (history.ids.length <= maxPointsAtOnce) return [...pieces].join('')
  const iterator = pieces[Symbol.iterator]()
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = iterator.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}

const chartQueryOf = (query: URLSearchParams) => {
  const names = namesOf(query)
  if (!names) throw invalid('query.names', 'is required')
  const bounds = { min: Number.MIN_SAFE_INTEGER }
  const from = integerOf(query, 'from', bounds)
  const to = integerOf(query, 'to', bounds)
  if (from !== undefined && to !== undefined && from > to) {
    throw invalid('query.from', 'must not be above query.to')
  }
  return {
    names: [...new Set(names)],
    buckets: integerOf(query, 'buckets', { min: 1, max: maxBuckets }) ?? 1000,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
}

const matching = (names: readonly string[], query: URLSearchParams): readonly string[] => {
  const prefix = query.get('prefix')
  const search = query.get('search')?.toLowerCase()
  return names.filter(
    (name) =>
      (prefix === null || name.startsWith(prefix)) &&
      (search === undefined || name.toLowerCase().includes(search)),
  )
}
