/** The routes of files that arrive in parts: after a lost connection a client goes on. */
import { router, t } from '../../../src/sdk.ts'
import { documented, idOf, invalid } from '../parameters.ts'
import { integer, messageSchema } from '../views.ts'
import { artifactPath, requestedPath } from './paths.ts'
import {
  type ArtifactRoutesOptions,
  artifactSchema,
  artifactView,
  binary,
  pathParameter,
} from './routes.ts'
import { contentTypeOf, digestOf } from './upload.ts'

const offsetSchema = t.Object(
  { offset: integer({ description: 'Bytes that have arrived' }) },
  { examples: [{ offset: 1048576 }] },
)

const partSchema = t.Object({
  offset: integer({ description: 'Bytes that have arrived' }),
  artifact: t.Union([artifactSchema, t.Null()], { description: 'The file, once it is complete' }),
})

const runId = documented.id('run_id')

const header = (name: string, required: boolean, description: string) => ({
  name,
  in: 'header' as const,
  required,
  schema: { type: 'string' as const },
  description,
})

/** @throws HearthError `validation` */
const offsetOf = (request: Request): number => {
  const text = request.headers.get('upload-offset') ?? ''
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw invalid('header.upload-offset', 'must be the number of bytes that have arrived')
}

export const uploadRoutes = ({ artifacts, access, maxBytes }: ArtifactRoutesOptions) =>
  router()
    .get(
      '/runs/:run_id/uploads/*',
      async ({ params, who, request }) => {
        const run = await access.writable(who, idOf(params.run_id, 'run_id'))
        return { offset: await artifacts.offset(run.id, artifactPath(requestedPath(request))) }
      },
      {
        response: offsetSchema,
        detail: {
          tags: ['artifacts'],
          summary: 'Ask how much of a file has arrived',
          parameters: [runId, pathParameter],
        },
      },
    )
    .patch(
      '/runs/:run_id/uploads/*',
      async ({ params, who, request }) => {
        const run = await access.writable(who, idOf(params.run_id, 'run_id'))
        const path = artifactPath(requestedPath(request))
        const sha256 = digestOf(request)
        const bytes = request.body ?? new Uint8Array()
        const offset = await artifacts.append(run.id, path, { offset: offsetOf(request), bytes })
        if (request.headers.get('upload-complete') !== '?1') return { offset, artifact: null }
        const contentType = contentTypeOf(request)
        const artifact = await artifacts.complete({ runId: run.id, path, contentType, sha256 })
        return { offset, artifact: artifactView(artifact) }
      },
      {
        parse: 'none',
        response: partSchema,
        detail: {
          tags: ['artifacts'],
          summary: 'Upload a part of a file',
          description:
            'The raw bytes from `Upload-Offset` on; the last part carries `Upload-Complete: ?1`. ' +
            'A wrong offset is answered 409 with the right one in `Upload-Offset`.',
          parameters: [
            runId,
            pathParameter,
            header('Upload-Offset', true, 'Where in the file the part begins'),
            header('Upload-Complete', false, '`?1` with the last part'),
          ],
          requestBody: { required: true, content: { 'application/octet-stream': binary } },
          'x-max-body': maxBytes,
          'x-rate-limit': 'ingest',
        } as object,
      },
    )
    .delete(
      '/runs/:run_id/uploads/*',
      async ({ params, who, request }) => {
        const run = await access.writable(who, idOf(params.run_id, 'run_id'))
        const path = artifactPath(requestedPath(request))
        await artifacts.abort(run.id, path)
        return { message: `Upload of ${path} forgotten` }
      },
      {
        response: messageSchema,
        detail: {
          tags: ['artifacts'],
          summary: 'Forget the parts of a file',
          parameters: [runId, pathParameter],
        },
      },
    )
