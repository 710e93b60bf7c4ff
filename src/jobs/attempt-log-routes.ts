/** The routes by which nodes hand over the bytes of attempts. */
import { router, t } from '../sdk.ts'
import { type ByteSource, StreamOffsetError, type StreamName } from './attempt-log.ts'
import { numberOf, queryParameter, wholeNumber } from './attempt-log-query.ts'
import { AppendReply, Artifact } from './protocol.ts'
import type { JobFacts, StreamsHost } from './streams.ts'

export interface AppendRoutesOptions {
  readonly host: StreamsHost
  readonly append: (
    job: JobFacts,
    attempt: number,
    stream: StreamName,
    offset: number,
    bytes: ByteSource,
  ) => Promise<number>
  /** Names files before the attempt ends; answers digests that are not here. */
  readonly keep: (
    job: JobFacts,
    attempt: number,
    artifacts: readonly (typeof Artifact.static)[],
  ) => Promise<readonly string[]>
  readonly maxBytes: number
}

/** 416 with what is there: `size` is where the sender goes on. */
export const wrongOffset = (size: number): Response =>
  Response.json(
    { detail: `Go on at byte ${size}`, code: 'range_not_satisfiable', size },
    { status: 416 },
  )

export const forNodes = { security: [], 'x-rate-limit': 'agent', tags: ['agents'] }

const KeepRequest = t.Object({ artifacts: t.Array(Artifact, { maxItems: 10_000 }) })

export const appendRoutes = ({ host, append, keep, maxBytes }: AppendRoutesOptions) => {
  const detailOf = (stream: StreamName) =>
    ({
      ...forNodes,
      summary: `Append to the ${stream} of an attempt`,
      description:
        'The raw bytes from `offset` on. What is there already is skipped; a gap is answered 416 ' +
        'with the size, from which the sender goes on. A stale attempt is answered 410.',
      parameters: [queryParameter('offset', 'Where in the stream the bytes begin')],
      'x-max-body': maxBytes,
    }) as object
  const handler =
    (stream: StreamName) =>
    async ({ params, request }: { params: { job: string; attempt: string }; request: Request }) => {
      const attempt = wholeNumber(params.attempt, 'path.attempt')
      const job = await host.attemptOf(request, params.job, attempt)
      const offset = numberOf(request, 'offset') ?? 0
      try {
        const bytes = request.body ?? new Uint8Array()
        return Response.json({ size: await append(job, attempt, stream, offset, bytes) })
      } catch (error) {
        if (error instanceof StreamOffsetError) return wrongOffset(error.size)
        throw error
      }
    }
  return router()
    .put('/api/attempts/:job/:attempt/log', handler('log'), {
      parse: 'none',
      response: AppendReply,
      detail: detailOf('log'),
    })
    .put('/api/attempts/:job/:attempt/events', handler('events'), {
      parse: 'none',
      response: AppendReply,
      detail: detailOf('events'),
    })
    .post(
      '/api/attempts/:job/:attempt/artifacts',
      async ({ params, request, body }) => {
        const attempt = wholeNumber(params.attempt, 'path.attempt')
        const job = await host.attemptOf(request, params.job, attempt)
        const missing = await keep(job, attempt, body.artifacts)
        return missing.length === 0
          ? Response.json({ kept: body.artifacts.length })
          : Response.json({ missing }, { status: 424 })
      },
      {
        body: KeepRequest,
        detail: {
          ...forNodes,
          summary: 'Name files of an attempt before it ends',
          description:
            'A checkpoint that is named here outlives its node. 424 names digests not here.',
        } as object,
      },
    )
}
