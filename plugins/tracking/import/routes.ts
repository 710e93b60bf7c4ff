/** The route that brings a file of metrics into a run. */
import { router, t } from '../../../src/sdk.ts'
import { documented, idOf, invalid, queryOf } from '../parameters.ts'
import type { PointStore } from '../points/store.ts'
import type { Runs } from '../runs.ts'
import { integer } from '../views.ts'
import { importFile, readers } from './file.ts'
import { uploadedChunks } from './upload.ts'

export interface ImportRoutesOptions {
  readonly points: PointStore
  readonly runs: Runs
  readonly maxBytes: number
}

const importedSchema = t.Object(
  {
    points: integer({ description: 'Points in the file' }),
    names: t.Array(t.String(), { description: 'The metrics they belong to' }),
    repeated: integer({ description: 'Those of the points that the run had already' }),
    skipped: integer({ description: 'Cells of a table that hold something else than a number' }),
  },
  { examples: [{ points: 200, names: ['acc', 'loss'], repeated: 0, skipped: 0 }] },
)

const binary = { schema: { type: 'string', format: 'binary' } } as const

export const importRoutes = ({ points, runs, maxBytes }: ImportRoutesOptions) =>
  router().post(
    '/runs/:run_id/import',
    async ({ params, who, request }) => {
      const run = await runs.writable(who, idOf(params.run_id, 'run_id'))
      const format = queryOf(request).get('format') ?? ''
      const reader = Object.hasOwn(readers, format) ? readers[format] : undefined
      if (!reader) throw invalid('query.format', `must be ${Object.keys(readers).join(', ')}`)
      const { names, ...counts } = await importFile(points, {
        runId: run.id,
        startedAt: run.startedAt,
        reader,
        chunks: uploadedChunks(request, maxBytes),
      })
      return { ...counts, names: [...names] }
    },
    {
      parse: 'none',
      response: importedSchema,
      detail: {
        tags: ['runs'],
        summary: 'Import a file of metrics',
        description:
          'The raw bytes of one TensorBoard event file, CSV or JSONL file, also as gzip. ' +
          'Importing a file again adds nothing.',
        parameters: [
          documented.id('run_id'),
          documented.requiredQuery(
            'format',
            { type: 'string', enum: Object.keys(readers) },
            'Of the file',
          ),
        ],
        requestBody: { required: true, content: { 'application/octet-stream': binary } },
        'x-max-body': maxBytes,
      } as object,
    },
  )
