/** The bytes of jobs as other plugins hand them in and read them: inputs, logs, artifacts. */
import type { Who } from '../auth/who.ts'
import type { Blobs, BlobInfo } from '../storage/blobs.ts'
import type { ByteSource, ByteStore, StreamName } from './attempt-log.ts'
import type { Artifacts, StoredArtifact } from './artifacts.ts'
import type { JobFacts, StreamsHost } from './streams.ts'
import { type Uploads, userOwner } from './uploads.ts'

export interface JobBytes {
  /** Makes content an input that the caller's jobs may name in their plans. */
  addInput(who: Who, bytes: ByteSource): Promise<BlobInfo>
  /** An input that the caller has handed in before, or null; asking keeps it for another day. */
  input(who: Who, sha256: string): Promise<BlobInfo | null>
  /** Bytes of the log, or of the events, of the latest attempt that are here so far. */
  size(who: Who, jobId: string, stream: StreamName): Promise<number>
  /** At most `end - start` of them. */
  read(
    who: Who,
    jobId: string,
    stream: StreamName,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Uint8Array>
  artifacts(who: Who, jobId: string): Promise<readonly StoredArtifact[]>
  /** @throws HearthError `not_found`, `gone` */
  artifact(who: Who, jobId: string, path: string): Promise<ReadableStream<Uint8Array>>
}

export interface JobBytesOptions {
  readonly host: Pick<StreamsHost, 'readable'>
  readonly store: ByteStore
  readonly artifacts: Artifacts
  readonly uploads: Uploads
  readonly blobs: Blobs
}

export const createJobBytes = (options: JobBytesOptions): JobBytes => {
  const { host, store, artifacts, uploads } = options
  const keyOf = ({ id, attempt }: JobFacts, stream: StreamName) => ({
    jobId: id,
    attempt: Math.max(1, attempt),
    stream,
  })
  return {
    addInput: (who, bytes) => uploads.put(userOwner(who.id), bytes),
    input: (who, sha256) => uploads.find([userOwner(who.id)], sha256),
    size: async (who, jobId, stream) => store.size(keyOf(await host.readable(who, jobId), stream)),
    async read(who, jobId, stream, range) {
      const key = keyOf(await host.readable(who, jobId), stream)
      const size = await store.size(key)
      const end = Math.min(size, range?.end ?? size)
      const pieces: Uint8Array[] = []
      for await (const piece of store.read(key, range?.start ?? 0, end)) pieces.push(piece)
      return new Uint8Array(Buffer.concat(pieces))
    },
    artifacts: async (who, jobId) => artifacts.list((await host.readable(who, jobId)).id),
    async artifact(who, jobId, path) {
      const { id } = await host.readable(who, jobId)
      return artifacts.open(await artifacts.find(id, path))
    },
  }
}
