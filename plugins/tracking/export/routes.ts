/** The route that hands out all points of a run as one file, streamed. */
import { router } from '../../../src/sdk.ts'
import { documented, idOf, invalid, queryOf } from '../parameters.ts'
import type { PointStore } from '../points/store.ts'
import type { Runs } from '../runs.ts'
import { parquetBytes } from './parquet.ts'
import { csvLines, jsonLines, type PointPages } from './text.ts'

export interface ExportRoutesOptions {
  readonly points: PointStore
  readonly runs: Runs
}

type Metadata = Readonly<Record<string, string>>

interface Format {
  readonly contentType: string
  write(pages: PointPages, metadata: Metadata): AsyncGenerator<string | Uint8Array>
}

const formats: Readonly<Record<string, Format>> = {
  csv: { contentType: 'text/csv; charset=utf-8; header=present', write: csvLines },
  jsonl: { contentType: 'application/x-ndjson', write: jsonLines },
  parquet: { contentType: 'application/vnd.apache.parquet', write: parquetBytes },
}

const text = { schema: { type: 'string' } } as const
const binary = { schema: { type: 'string', format: 'binary' } } as const

export const exportRoutes = ({ points, runs }: ExportRoutesOptions) =>
  router().get(
    '/runs/:run_id/export',
    async ({ params, who, request }) => {
      const run = await runs.readable(who, idOf(params.run_id, 'run_id'))
      const name = queryOf(request).get('format') ?? 'csv'
      const format = Object.hasOwn(formats, name) ? formats[name] : undefined
      if (!format) throw invalid('query.format', `must be ${Object.keys(formats).join(', ')}`)
      const metadata = {
        run_id: String(run.id),
        run_name: run.name,
        config: JSON.stringify(run.config),
      }
      return new Response(streamOf(format.write(points.since(run.id, 0), metadata)), {
        headers: {
          'content-type': format.contentType,
          'content-disposition': `attachment; filename="run-${run.id}.${name}"`,
          'x-content-type-options': 'nosniff',
        },
      })
    },
    {
      detail: {
        tags: ['runs'],
        summary: 'Export the points of a run',
        description:
          'All points in order of id, with the columns id, name, step, timestamp (UTC) ' +
          'and value; NaN and infinities are kept.',
        parameters: [
          documented.id('run_id'),
          documented.query(
            'format',
            { type: 'string', enum: Object.keys(formats), default: 'csv' },
            'Of the file',
          ),
        ],
        responses: {
          200: {
            description: 'The file',
            content: {
              'text/csv': text,
              'application/x-ndjson': text,
              'application/vnd.apache.parquet': binary,
            },
          },
        },
      },
    },
  )

/** A body that is made only as fast as it is read, and no further once the reader is gone. */
const streamOf = (parts: AsyncGenerator<string | Uint8Array>): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      // Embedded databases answer without leaving the event loop: others must have their turn.
      await new Promise((resolve) => setImmediate(resolve))
      const { done, value } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value)
    },
    async cancel() {
      await parts.return(undefined)
    },
  })
}
