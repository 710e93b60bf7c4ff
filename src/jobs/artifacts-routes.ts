/** The routes by which users fetch what jobs left behind. */
import { downloadZip } from 'client-zip'
import { download } from '../kernel/download.ts'
import { router } from '../sdk.ts'
import type { Artifacts, StoredArtifact } from './artifacts.ts'
import type { StreamsHost } from './streams.ts'

const wanted = /^\/api\/jobs\/[^/]+\/artifacts\/?(.*)$/

/** The path in the URL, slashes encoded or not; empty for one that is broken. */
const requestedPath = (request: Request): string => {
  try {
    return decodeURIComponent(wanted.exec(new URL(request.url).pathname)?.[1] ?? '')
  } catch {
    return ''
  }
}

const viewOf = ({ created_at, ...artifact }: StoredArtifact) => ({
  ...artifact,
  created_at: new Date(created_at).toISOString(),
})

export const artifactRoutes = (host: StreamsHost, artifacts: Artifacts) =>
  router()
    .get(
      '/api/jobs/:id/artifacts',
      async ({ params, who }) => {
        const job = await host.readable(who, params.id)
        return (await artifacts.list(job.id)).map(viewOf)
      },
      { detail: { tags: ['jobs'], summary: 'List what a job left behind' } },
    )
    .get(
      '/api/jobs/:id/artifacts/*',
      async ({ params, who, request }) => {
        const job = await host.readable(who, params.id)
        const file = await artifacts.find(job.id, requestedPath(request))
        const { path, sha256, size } = file
        const contentType = 'application/octet-stream'
        return download(request, { path, sha256, sizeBytes: size, contentType }, (range) =>
          artifacts.open(file, range),
        )
      },
      {
        detail: {
          tags: ['jobs'],
          summary: 'Download an artifact',
          description: 'Answers `Range` and `If-None-Match`; the ETag is the sha256 of the bytes.',
          responses: { 200: { description: 'The bytes' }, 206: { description: 'The range' } },
        },
      },
    )
    .get(
      '/api/jobs/:id/artifacts.zip',
      async ({ params, who }) => {
        const job = await host.readable(who, params.id)
        const headers = {
          'content-type': 'application/zip',
          'content-disposition': `attachment; filename="${job.id}.zip"`,
          'x-content-type-options': 'nosniff',
        }
        const entries = entriesOf(artifacts, await artifacts.list(job.id))
        return new Response(downloadZip(entries).body, { headers })
      },
      {
        detail: {
          tags: ['jobs'],
          summary: 'Download all artifacts',
          description: 'A ZIP archive, made while it is sent.',
          responses: { 200: { description: 'The archive', content: { 'application/zip': {} } } },
        },
      },
    )

/** Opened one after another, each when the one before it was sent. */
async function* entriesOf(artifacts: Artifacts, files: readonly StoredArtifact[]) {
  for (const file of files) {
    yield {
      name: file.path,
      lastModified: new Date(file.created_at),
      input: await artifacts.open(file),
    }
  }
}
