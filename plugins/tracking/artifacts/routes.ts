/** The routes of a run's files. */
import { download, router, t } from '../../../src/sdk.ts'
import type { RunAccess } from '../access.ts'
import { documented, idOf } from '../parameters.ts'
import { microsToNaiveIso } from '../time.ts'
import { integer, messageSchema } from '../views.ts'
import type { Artifact, Artifacts } from './artifacts.ts'
import { artifactPath, requestedPath } from './paths.ts'
import { contentTypeOf, digestOf } from './upload.ts'

export interface ArtifactRoutesOptions {
  readonly artifacts: Artifacts
  readonly access: RunAccess
  readonly maxBytes: number
}

const example = {
  path: 'model/weights.bin',
  size: 4,
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  content_type: 'application/octet-stream',
  created_at: '2023-01-01T00:00:00',
}

export const artifactSchema = t.Object(
  {
    path: t.String(),
    size: integer({ description: 'Bytes' }),
    sha256: t.String({ description: 'Lowercase hex' }),
    content_type: t.String(),
    created_at: t.String({ description: 'Naive ISO text, in UTC' }),
  },
  { examples: [example] },
)

export const artifactView = (artifact: Artifact): typeof artifactSchema.static => ({
  path: artifact.path,
  size: artifact.sizeBytes,
  sha256: artifact.sha256,
  content_type: artifact.contentType,
  created_at: microsToNaiveIso(artifact.createdAt),
})

const runId = documented.id('run_id')

export const pathParameter = {
  name: 'path',
  in: 'path',
  required: true,
  schema: { type: 'string' },
  description: 'Path of the file within the run; slashes may be encoded or not',
  example: 'model/weights.bin',
} as const

export const binary = { schema: { type: 'string', format: 'binary' } } as const

export const artifactRoutes = ({ artifacts, access, maxBytes }: ArtifactRoutesOptions) => {
  const list = async (id: number): Promise<(typeof artifactSchema.static)[]> =>
    (await artifacts.list(id)).map(artifactView)
  return router()
    .get(
      '/runs/:run_id/artifacts',
      async ({ params, who }) => {
        const run = await access.readable(who, idOf(params.run_id, 'run_id'))
        return list(run.id)
      },
      {
        response: t.Array(artifactSchema),
        detail: {
          tags: ['artifacts'],
          summary: 'List the files of a run',
          description: 'All of them, by path.',
          parameters: [runId],
        },
      },
    )
    .get(
      '/runs/:run_id/artifacts/*',
      async ({ params, who, request }) => {
        const run = await access.readable(who, idOf(params.run_id, 'run_id'))
        const path = requestedPath(request)
        if (path === '') return Response.json(await list(run.id))
        const artifact = await artifacts.find(run.id, artifactPath(path))
        return download(request, artifact, (range) => artifacts.open(artifact, range))
      },
      {
        detail: {
          tags: ['artifacts'],
          summary: 'Download a file',
          description:
            'Answers `Range` and `If-None-Match`; the ETag is the sha256 of the bytes. ' +
            'Always an attachment.',
          parameters: [runId, pathParameter],
          responses: {
            200: { description: 'The bytes', content: { 'application/octet-stream': binary } },
            206: { description: 'The range', content: { 'application/octet-stream': binary } },
            304: { description: 'The caller has these bytes already' },
          },
        },
      },
    )
    .put(
      '/runs/:run_id/artifacts/*',
      async ({ params, who, request }) => {
        const run = await access.writable(who, idOf(params.run_id, 'run_id'))
        const artifact = await artifacts.put({
          runId: run.id,
          path: artifactPath(requestedPath(request)),
          bytes: request.body ?? new Uint8Array(),
          contentType: contentTypeOf(request),
          sha256: digestOf(request),
        })
        return artifactView(artifact)
      },
      {
        parse: 'none',
        response: artifactSchema,
        detail: {
          tags: ['artifacts'],
          summary: 'Upload a file',
          description:
            'The raw bytes, streamed. `Digest: sha-256=<base64>` has them checked. ' +
            'Replaces a file of the same path.',
          parameters: [runId, pathParameter],
          requestBody: { required: true, content: { 'application/octet-stream': binary } },
          'x-max-body': maxBytes,
          'x-rate-limit': 'ingest',
        } as object,
      },
    )
    .delete(
      '/runs/:run_id/artifacts/*',
      async ({ params, who, request }) => {
        const run = await access.writable(who, idOf(params.run_id, 'run_id'))
        const path = artifactPath(requestedPath(request))
        await artifacts.delete(run.id, path)
        return { message: `Artifact ${path} deleted` }
      },
      {
        response: messageSchema,
        detail: {
          tags: ['artifacts'],
          summary: 'Delete a file',
          parameters: [runId, pathParameter],
        },
      },
    )
}
