/** The routes by which users read logs: a part, the end, or live. */
import { router } from '../sdk.ts'
import type { ByteStore, StreamKey } from './attempt-log.ts'
import { numberOf, queryParameter } from './attempt-log-query.ts'
import { tailOffset } from './attempt-log-tail.ts'
import { positionOf } from './follow-cursor.ts'
import { positionIn } from './follow-log.ts'
import { sseResponse, type SseOptions } from './follow-sse.ts'
import type { JobFacts } from './streams.ts'

/** The attempt asked for, or the latest. */
const attemptIn = (request: Request, job: JobFacts): number =>
  numberOf(request, 'attempt') ?? Math.max(1, job.attempt)

const isComplete = (job: JobFacts, attempt: number): boolean =>
  attempt < job.attempt || !['assigned', 'running', 'lost'].includes(job.state)

const attemptParameter = queryParameter('attempt', 'Which attempt; default: the latest')

export const logRoutes = (options: SseOptions) => {
  const { host, store } = options
  return router()
    .get(
      '/api/jobs/:id/logs',
      async ({ params, request, who }) => {
        const job = await host.readable(who, params.id)
        return logResponse(store, job, request)
      },
      {
        detail: {
          tags: ['jobs'],
          summary: 'Read the log of a job',
          description:
            'The bytes as the program wrote them. `X-Log-Offset` is where they begin, ' +
            '`X-Log-Size` how many there are in all, `X-Log-Complete` whether no more will come.',
          parameters: [
            queryParameter('offset', 'Where to begin'),
            queryParameter('limit', 'At most so many bytes'),
            queryParameter('tail', 'The last so many lines instead'),
            attemptParameter,
          ],
          responses: { 200: { description: 'The log', content: { 'text/plain': {} } } },
        },
      },
    )
    .get(
      '/api/jobs/:id/logs/follow',
      async ({ params, request, who }) => {
        const job = await host.readable(who, params.id)
        const position = await startOf(store, job, request)
        return sseResponse(options, job.id, position, request.signal)
      },
      {
        detail: {
          tags: ['jobs'],
          summary: 'Follow a job',
          description:
            'Server-Sent Events: `log` {attempt, offset, text}, `progress`, `state` (the job) ' +
            'and `end`, after which the stream ends. `Last-Event-ID` goes on where a reader was.',
          parameters: [
            queryParameter('offset', 'Where in the log to begin'),
            queryParameter('tail', 'Begin with the last so many lines'),
            attemptParameter,
          ],
          responses: { 200: { description: 'Events', content: { 'text/event-stream': {} } } },
        },
      },
    )
}

const logResponse = async (
  store: ByteStore,
  job: JobFacts,
  request: Request,
): Promise<Response> => {
  const attempt = attemptIn(request, job)
  const key = { jobId: job.id, attempt, stream: 'log' } as const
  const size = await store.size(key)
  const tail = numberOf(request, 'tail')
  const offset =
    tail === undefined
      ? Math.min(numberOf(request, 'offset') ?? 0, size)
      : await tailOffset(store, key, size, tail)
  const end = Math.min(size, offset + (numberOf(request, 'limit') ?? size))
  return new Response(bodyOf(store, key, offset, end), {
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(end - offset),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-log-offset': String(offset),
      'x-log-size': String(size),
      'x-log-complete': String(isComplete(job, attempt)),
      'x-log-attempt': String(attempt),
    },
  })
}

/** Read piece by piece as the reader takes them. */
const bodyOf = (store: ByteStore, key: StreamKey, start: number, end: number) => {
  const pieces = store.read(key, start, end)[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await pieces.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await pieces.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Where a follower begins: where it was, else where it asks for, else at the latest attempt. */
const startOf = async (store: ByteStore, job: JobFacts, request: Request): Promise<number> => {
  const last = request.headers.get('last-event-id')
  if (last !== null && /^\d{1,16}$/.test(last)) return positionOf(Number(last))
  const attempt = attemptIn(request, job)
  const key = { jobId: job.id, attempt, stream: 'log' } as const
  const tail = numberOf(request, 'tail')
  const offset =
    tail === undefined
      ? (numberOf(request, 'offset') ?? 0)
      : await tailOffset(store, key, await store.size(key), tail)
  return positionIn(store, job.id, attempt, offset)
}
