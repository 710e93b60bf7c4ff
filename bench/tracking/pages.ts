/** Rows of the table: how long a person waits for a chart and for the first page of a list. */
import { generate } from '../generator.ts'
import type { RequestParts } from '../../scripts/http.ts'
import { quantile } from '../table.ts'
import type { Scale } from './scale.ts'
import { namesOf, type Seeded } from './seed.ts'
import type { HearthTarget, MlflowTarget } from './target.ts'

export interface Page {
  readonly what: string
  /** Which of the scale's counts says how often it is asked for. */
  readonly count: 'chartRequests' | 'pageRequests'
  requests(target: HearthTarget | MlflowTarget, seeded: Seeded, scale: Scale): RequestParts[]
}

const get = (path: string): RequestParts => ({ method: 'GET', path })
const post = (path: string, body: object): RequestParts => ({
  method: 'POST',
  path,
  body: JSON.stringify(body),
})

export const pages: readonly Page[] = [
  {
    what: 'chart of 1000 buckets, whole series',
    count: 'chartRequests',
    requests: (target, { longRunId }) => [
      get(
        target.kind === 'hearth'
          ? `/metrics/${longRunId}/chart?names=train/metric_0&buckets=1000`
          : `${interval}?run_ids=${longRunId}&metric_key=train/metric_0&max_results=1000`,
      ),
    ],
  },
  {
    what: 'the same, zoomed to a tenth at changing places',
    count: 'chartRequests',
    requests: (target, { longRunId }, scale) =>
      Array.from({ length: 50 }, (_, i) => {
        const points = scale[target.kind].chartPoints
        const from = Math.floor((points * 0.9 * i) / 50)
        const to = from + points / 10
        return get(
          target.kind === 'hearth'
            ? `/metrics/${longRunId}/chart?names=train/metric_0&buckets=1000&from=${from}&to=${to}`
            : `${interval}?run_ids=${longRunId}&metric_key=train/metric_0&max_results=1000` +
                `&start_step=${from}&end_step=${to}`,
        )
      }),
  },
  {
    what: 'summary of a run with 1000 names',
    count: 'pageRequests',
    requests: (target, { wideRunId }) => [
      get(
        target.kind === 'hearth'
          ? `/metrics/${wideRunId}/summary`
          : `/api/2.0/mlflow/runs/get?run_id=${wideRunId}`,
      ),
    ],
  },
  {
    what: 'first history page of the long series, 1000 points',
    count: 'pageRequests',
    requests: (target, { longRunId }) => [
      get(
        target.kind === 'hearth'
          ? `/metrics/${longRunId}?metric_name=train/metric_0&limit=1000`
          : '/api/2.0/mlflow/metrics/get-history' +
              `?run_id=${longRunId}&metric_key=train/metric_0&max_results=1000`,
      ),
    ],
  },
  {
    what: 'run table, first 100 of all runs by a metric, with 10 metrics and 5 params',
    count: 'pageRequests',
    requests: (target) =>
      Array.from({ length: 20 }, (_, i) =>
        target.kind === 'hearth'
          ? post('/runs/search', {
              project_id: target.projectId,
              order_by: [`metrics.loss ${i % 2 ? 'asc' : 'desc'}`],
              metrics: namesOf(i),
              params: ['lr', 'batch_size', 'seed', 'optimizer', 'depth'],
              limit: 100,
            })
          : post('/api/2.0/mlflow/runs/search', {
              experiment_ids: ['0'],
              order_by: [`metrics.loss ${i % 2 ? 'ASC' : 'DESC'}`],
              max_results: 100,
            }),
      ),
  },
  {
    what: 'run table, first 100 that pass a filter',
    count: 'pageRequests',
    requests: (target) =>
      Array.from({ length: 20 }, (_, i) =>
        target.kind === 'hearth'
          ? post('/runs/search', {
              project_id: target.projectId,
              filter: `metrics.loss < ${i / 20} and params.optimizer = "adam"`,
              metrics: ['loss'],
              limit: 100,
            })
          : post('/api/2.0/mlflow/runs/search', {
              experiment_ids: ['0'],
              filter: `metrics.loss < ${i / 20} and params.optimizer = 'adam'`,
              max_results: 100,
            }),
      ),
  },
]

const interval = '/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval'

/** The 95th percentile in milliseconds, one client asking. */
export const measurePage = async (
  target: HearthTarget | MlflowTarget,
  page: Page,
  seeded: Seeded,
  scale: Scale,
): Promise<number> => {
  const { latenciesMs } = await generate({
    origin: target.origin,
    ...(target.token && { token: target.token }),
    clients: 1,
    requestsPerClient:
      page.count === 'chartRequests' ? scale[target.kind].chartRequests : scale.pageRequests,
    load: { kind: 'pick', requests: page.requests(target, seeded, scale) },
  })
  return quantile(latenciesMs, 0.95)
}
