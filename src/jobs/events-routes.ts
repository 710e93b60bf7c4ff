/** The routes by which users read what a job's program said. */
import { router } from '../sdk.ts'
import type { Database } from '../storage/database.ts'
import type { ByteStore } from './attempt-log.ts'
import { numberOf, queryParameter } from './attempt-log-query.ts'
import { latestMetrics, readEvents, readProgress } from './events-read.ts'
import type { StreamsHost } from './streams.ts'

export interface EventRoutesOptions {
  readonly db: Database
  readonly store: ByteStore
  readonly host: StreamsHost
}

export const eventRoutes = ({ db, store, host }: EventRoutesOptions) =>
  router()
    .get(
      '/api/jobs/:id/events',
      async ({ params, request, who }) => {
        const job = await host.readable(who, params.id)
        const attempt = numberOf(request, 'attempt') ?? Math.max(1, job.attempt)
        const offset = numberOf(request, 'offset') ?? 0
        return { attempt, ...(await readEvents(db, store, { jobId: job.id, attempt, offset })) }
      },
      {
        detail: {
          tags: ['jobs'],
          summary: 'Read the events of a job',
          description:
            'The lines that the program wrote to `HEARTH_EVENTS`, in order, in pages: ask again ' +
            'with `offset` = `next`. Of lines that cannot be read the first is named.',
          parameters: [
            queryParameter('offset', 'Where to begin: `next` of the page before'),
            queryParameter('attempt', 'Which attempt; default: the latest'),
          ],
        },
      },
    )
    .get(
      '/api/jobs/:id/metrics',
      async ({ params, who }) => {
        const job = await host.readable(who, params.id)
        const progress = await readProgress(db, job.id)
        return { run_id: progress?.run_id ?? null, metrics: await latestMetrics(db, job.id) }
      },
      {
        detail: {
          tags: ['jobs'],
          summary: 'Read the latest metrics of a job',
          description: 'The whole history is in the tracking run `run_id`.',
        },
      },
    )
