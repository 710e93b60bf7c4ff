/** The verbs of the agent protocol as functions: what was asked, what was answered, what failed. */
import type { Clock } from '../../src/sdk.ts'
import type { FinishRequest, JoinReply, SyncReply, SyncRequest } from '../../src/jobs/protocol.ts'
import type { FetchBlob } from '../workspace/download.ts'
import { answered, UnreachableError } from './answers.ts'
import { within } from './pause.ts'
import { Silence } from './silence.ts'

/** Carries a request to the server: over the network, or inside the server's own process. */
export type Transport = (path: string, init: RequestInit) => Promise<Response>

export interface AttemptId {
  readonly job: string
  readonly attempt: number
}

export type StreamName = 'log' | 'events'

/** `behind`: the sizes the server has. `differs`: streams to send again. `missing`: digests. */
export type FinishAnswer =
  | { readonly status: 'done' }
  | { readonly status: 'behind'; readonly log: number; readonly events: number }
  | { readonly status: 'differs'; readonly differs: readonly string[] }
  | { readonly status: 'missing'; readonly missing: readonly string[] }

export interface Wire {
  sync(request: SyncRequest, signal?: AbortSignal): Promise<SyncReply>
  /** Answers the secrets of the job. */
  start(id: AttemptId, signal?: AbortSignal): Promise<Record<string, string>>
  /** Answers the size the server has now, also when it did not take the bytes. */
  append(
    id: AttemptId,
    stream: StreamName,
    offset: number,
    bytes: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<number>
  finish(id: AttemptId, request: FinishRequest, signal?: AbortSignal): Promise<FinishAnswer>
  /** How much of a blob the server has, or `whole`. */
  blobOffset(sha256: string, signal?: AbortSignal): Promise<number | 'whole'>
  putBlob(
    sha256: string,
    offset: number,
    bytes: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<number>
  /** `false` when the digest differs, and the server has thrown the bytes away. */
  commitBlob(sha256: string, sizeBytes: number, signal?: AbortSignal): Promise<boolean>
  /** The bytes of a blob from `offset` on, or from its start; null when the server has none. */
  readonly getBlob: FetchBlob
}

const callTimeoutMs = 120_000
/** A reply to a long poll may be late by this much. */
const syncSlackMs = 20_000

export const createWire = (transport: Transport, credential: string, clock: Clock): Wire => {
  const call = (path: string, init: RequestInit, signal?: AbortSignal, timeoutMs = callTimeoutMs) =>
    within(clock, timeoutMs, signal, (own) =>
      send(transport, path, { ...init, signal: own }, credential),
    )
  const post = (path: string, body: unknown, signal?: AbortSignal, timeoutMs?: number) =>
    call(path, json(body), signal, timeoutMs)
  const bytesTo = async (
    path: string,
    offset: number,
    bytes: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ) => {
    const headers = { 'content-type': 'application/octet-stream' }
    const init = { method: 'PUT', body: bytes, headers }
    const reply = await call(`${path}?offset=${offset}`, init, signal)
    const { size } = await answered<{ size: number }>(reply, 200, 416)
    return size
  }
  return {
    sync: async (request, signal) =>
      answered<SyncReply>(
        await post('/api/agents/sync', request, signal, request.waitMs + syncSlackMs),
        200,
      ),
    async start(id, signal) {
      const reply = await post(`${attemptPath(id)}/start`, {}, signal)
      return (await answered<{ secrets: Record<string, string> }>(reply, 200)).secrets
    },
    append: (id, stream, offset, bytes, signal) =>
      bytesTo(`${attemptPath(id)}/${stream}`, offset, bytes, signal),
    finish: async (id, request, signal) =>
      finishAnswer(await post(`${attemptPath(id)}/finish`, request, signal)),
    async blobOffset(sha256, signal) {
      const reply = await call(blobPath(sha256), { method: 'HEAD' }, signal)
      if (reply.status === 200) return 'whole'
      if (reply.status !== 404) return answered(reply)
      return Number(reply.headers.get('x-upload-offset') ?? 0)
    },
    putBlob: (sha256, offset, bytes, signal) => bytesTo(blobPath(sha256), offset, bytes, signal),
    async commitBlob(sha256, size, signal) {
      const reply = await post(`${blobPath(sha256)}/commit`, { size }, signal)
      if (reply.status === 412) return false
      await answered(reply, 200)
      return true
    },
    async getBlob(sha256, offset, signal) {
      const headers = offset > 0 ? { range: `bytes=${offset}-` } : {}
      // The body may take hours, as long as something comes.
      const silence = new Silence(clock, callTimeoutMs, signal)
      const init = { headers, signal: silence.signal }
      const reply = await send(transport, blobPath(sha256), init, credential).catch((error) => {
        silence.end()
        throw error
      })
      if (!reply.ok) silence.end()
      if (reply.status === 404) return null
      if (!reply.ok) return answered(reply)
      const begins = /^bytes (\d+)-/.exec(reply.headers.get('content-range') ?? '')?.[1]
      const bytes = silence.watch(reply.body ?? emptyBytes())
      return { offset: Number(begins ?? 0), bytes }
    },
  }
}

/** Exchanges a join token for a credential. */
export const join = async (
  transport: Transport,
  request: { token: string; name: string; protocol: string; version: string },
): Promise<JoinReply> =>
  answered<JoinReply>(await send(transport, '/api/agents/join', json(request)), 200, 201)

async function* emptyBytes(): AsyncGenerator<Uint8Array> {}

const attemptPath = ({ job, attempt }: AttemptId) => `/api/attempts/${job}/${attempt}`
const blobPath = (sha256: string) => `/api/blobs/${sha256}`

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})

const send = async (
  transport: Transport,
  path: string,
  init: RequestInit,
  credential?: string,
): Promise<Response> => {
  const headers = new Headers(init.headers)
  if (credential !== undefined) headers.set('authorization', `Bearer ${credential}`)
  try {
    return await transport(path, { ...init, headers })
  } catch (error) {
    throw new UnreachableError(error instanceof Error ? error.message : String(error))
  }
}

const finishAnswer = async (reply: Response): Promise<FinishAnswer> => {
  switch (reply.status) {
    case 412:
      return { status: 'differs', ...(await answered<{ differs: string[] }>(reply, 412)) }
    case 416:
      return { status: 'behind', ...(await answered<{ log: number; events: number }>(reply, 416)) }
    case 424:
      return { status: 'missing', ...(await answered<{ missing: string[] }>(reply, 424)) }
    default:
      await answered(reply, 200)
      return { status: 'done' }
  }
}
