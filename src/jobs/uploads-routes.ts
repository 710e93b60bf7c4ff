/** The routes for content by digest: for users under `/api/uploads`, for nodes `/api/blobs`. */
import { HearthError } from '../kernel/errors.ts'
import { contextOf } from '../kernel/context.ts'
import { router } from '../sdk.ts'
import type { Blobs } from '../storage/blobs.ts'
import { DigestMismatchError, UploadOffsetError } from '../storage/errors.ts'
import type { Artifacts } from './artifacts.ts'
import { numberOf, queryParameter } from './attempt-log-query.ts'
import { forNodes, wrongOffset } from './attempt-log-routes.ts'
import { BlobCommit, BlobReply } from './protocol.ts'
import type { StreamsHost } from './streams.ts'
import { type BlobOwner, nodeOwner, type Uploads, userOwner } from './uploads.ts'

export interface UploadRoutesOptions {
  readonly host: StreamsHost
  readonly uploads: Uploads
  readonly artifacts: Artifacts
  readonly blobs: Blobs
  readonly maxBytes: number
}

interface Owners {
  /** Whose an upload becomes. */
  readonly own: BlobOwner
  /** Whose content needs not be sent again. */
  readonly known: readonly BlobOwner[]
}

const digestIn = (sha256: string): string => {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256
  const message = 'must be a sha256 in lowercase hex'
  throw new HearthError('validation', message, { issues: [{ path: 'path.sha256', message }] })
}

/** 200 when it is whole, else 404 saying how much there is. */
const presence = async (uploads: Uploads, owners: Owners, sha256: string): Promise<Response> => {
  const whole = await uploads.find(owners.known, sha256)
  if (whole) return Response.json({ size: whole.sizeBytes })
  const size = await uploads.offset(owners.own, sha256)
  const headers = { 'x-upload-offset': String(size) }
  const detail = `${size} bytes of it are here`
  return Response.json({ detail, code: 'not_found', size }, { status: 404, headers })
}

const append = async (uploads: Uploads, owners: Owners, sha256: string, request: Request) => {
  const whole = await uploads.find(owners.known, sha256)
  if (whole) return Response.json({ size: whole.sizeBytes })
  const offset = numberOf(request, 'offset') ?? 0
  try {
    const bytes = request.body ?? new Uint8Array()
    return Response.json({ size: await uploads.append(owners.own, sha256, offset, bytes) })
  } catch (error) {
    if (error instanceof UploadOffsetError) return wrongOffset(error.offset)
    throw error
  }
}

const commit = async (uploads: Uploads, owners: Owners, sha256: string, size: number) => {
  const whole = await uploads.find(owners.known, sha256)
  if (whole) return Response.json({ size: whole.sizeBytes })
  try {
    const blob = await uploads.commit(owners.own, sha256, size)
    return Response.json({ size: blob.sizeBytes })
  } catch (error) {
    if (error instanceof UploadOffsetError) return wrongOffset(error.offset)
    if (!(error instanceof DigestMismatchError)) throw error
    throw new HearthError('precondition_failed', 'Other bytes arrived: send all of it again')
  }
}

export const uploadRoutes = ({
  host,
  uploads,
  artifacts,
  blobs,
  maxBytes,
}: UploadRoutesOptions) => {
  const ofUser = (who: { id: number }): Owners => ({
    own: userOwner(who.id),
    known: [userOwner(who.id)],
  })
  const ofNode = async (request: Request): Promise<Owners> => {
    const { node, jobs } = await host.nodeOf(request)
    const users = [...new Set(jobs.map(({ ownerId }) => userOwner(ownerId)))]
    return { own: nodeOwner(node), known: [nodeOwner(node), ...users] }
  }
  const offset = queryParameter('offset', 'Where in the content the bytes begin')
  const put = { parse: 'none', response: BlobReply } as const
  const putDetail = { parameters: [offset], 'x-max-body': maxBytes }
  return router()
    .get(
      '/api/uploads/:sha256',
      async ({ params, who }) => presence(uploads, ofUser(who), digestIn(params.sha256)),
      {
        detail: {
          tags: ['jobs'],
          summary: 'Ask whether content is here',
          description: '404 has `X-Upload-Offset`: how many bytes of it arrived.',
          'x-rate-limit': 'ingest',
        } as object,
      },
    )
    .put(
      '/api/uploads/:sha256',
      async ({ params, who, request }) =>
        append(uploads, ofUser(who), digestIn(params.sha256), request),
      {
        ...put,
        detail: {
          ...putDetail,
          tags: ['jobs'],
          summary: 'Upload a part of content',
          'x-rate-limit': 'ingest',
        } as object,
      },
    )
    .post(
      '/api/uploads/:sha256/commit',
      async ({ params, who, body }) =>
        commit(uploads, ofUser(who), digestIn(params.sha256), body.size),
      {
        body: BlobCommit,
        detail: { tags: ['jobs'], summary: 'Finish an upload', 'x-rate-limit': 'ingest' } as object,
      },
    )
    .get(
      '/api/blobs/:sha256',
      async ({ params, request }) => {
        const sha256 = digestIn(params.sha256)
        const { node, jobs } = await host.nodeOf(request)
        if (contextOf(request).method === 'HEAD') {
          return presence(uploads, await ofNode(request), sha256)
        }
        const ids = jobs.map(({ id }) => id)
        const isOwn = (await uploads.find([nodeOwner(node)], sha256)) !== null
        const known = isOwn || (await artifacts.isInputOf(ids, sha256))
        const bytes = known ? await contentOf(blobs, sha256, request) : null
        if (!bytes) throw new HearthError('not_found', 'No attempt of this node names that content')
        return bytes
      },
      { detail: { ...forNodes, summary: 'Read an input of an attempt' } as object },
    )
    .put(
      '/api/blobs/:sha256',
      async ({ params, request }) =>
        append(uploads, await ofNode(request), digestIn(params.sha256), request),
      {
        ...put,
        detail: { ...forNodes, ...putDetail, summary: 'Upload a part of an artifact' } as object,
      },
    )
    .post(
      '/api/blobs/:sha256/commit',
      async ({ params, request, body }) =>
        commit(uploads, await ofNode(request), digestIn(params.sha256), body.size),
      { body: BlobCommit, detail: { ...forNodes, summary: 'Finish an upload' } as object },
    )
}

/** The bytes, from where the node has them on. */
const contentOf = async (
  blobs: Blobs,
  sha256: string,
  request: Request,
): Promise<Response | null> => {
  const info = await blobs.info(sha256)
  if (!info) return null
  const from = /^bytes=(\d{1,15})-$/.exec(request.headers.get('range') ?? '')?.[1]
  const start = from === undefined ? 0 : Math.min(Number(from), info.sizeBytes)
  const body = await blobs.get(sha256, { start, end: info.sizeBytes })
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(info.sizeBytes - start),
    ...(from !== undefined && {
      'content-range': `bytes ${start}-${info.sizeBytes - 1}/${info.sizeBytes}`,
    }),
  }
  return new Response(body, { status: from === undefined ? 200 : 206, headers })
}
