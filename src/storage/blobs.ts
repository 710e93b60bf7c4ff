/** Content-addressed bytes: named by their sha256, stored once, verified. */
import { join } from 'node:path'
import { diskStore } from './blobs-disk.ts'
import { s3Store } from './blobs-s3.ts'
import { spooledBlobs } from './blobs-spooled.ts'

export interface BlobInfo {
  /** Lowercase hex. */
  readonly sha256: string
  readonly sizeBytes: number
}

export type BlobSource = ReadableStream<Uint8Array> | Uint8Array

/** What the bytes must be to be kept. */
export interface BlobExpectation {
  readonly sha256?: string
  readonly maxBytes?: number
}

export interface Blobs {
  /**
   * Stores a stream in constant memory; storing the same bytes again keeps one copy. The blob is
   * on disk when it resolves.
   * @throws DiskFullError, BlobTooLargeError (`maxBytes`), DigestMismatchError (`sha256`), and
   * nothing is kept then
   */
  put(bytes: BlobSource, expect?: BlobExpectation): Promise<BlobInfo>
  /** The bytes, or null when unknown. `range` is half-open, in bytes. */
  get(
    sha256: string,
    range?: { start: number; end: number },
  ): Promise<ReadableStream<Uint8Array> | null>
  info(sha256: string): Promise<BlobInfo | null>
  delete(sha256: string): Promise<void>
  readonly uploads: Uploads
}

/**
 * Blobs that arrive in parts, each under an id that the caller makes up (letters, digits, `-` and
 * `_`, at most 100). A client that lost its connection asks the offset and goes on from there, also
 * after a restart. On several servers a client must come back to the same one, or begins at 0.
 * Uploads untouched for a week are removed when the server starts.
 */
export interface Uploads {
  /** How many bytes arrived; 0 for an id that is not known. */
  offset(id: string): Promise<number>
  /**
   * Adds bytes and answers the new offset. Keeps what arrived when the stream or the disk fails.
   * @throws UploadOffsetError when `offset` is not where the upload ends, or a part is on its way
   * @throws DiskFullError, BlobTooLargeError (this part is dropped)
   */
  append(id: string, offset: number, bytes: BlobSource, maxBytes?: number): Promise<number>
  /**
   * Makes the blob and forgets the upload.
   * @throws UploadOffsetError for an id that nothing was appended to
   * @throws DigestMismatchError and the upload is kept, for the caller to look at or abort
   */
  commit(id: string, expect?: BlobExpectation): Promise<BlobInfo>
  abort(id: string): Promise<void>
}

/**
 * On disk, or in the S3 bucket that `S3_BUCKET` names (arriving bytes wait on disk there too).
 * Each namespace is a store of its own: deleting in one never takes bytes away from another.
 */
export const openBlobs = async (options: {
  readonly dataDir: string
  readonly namespace: string
  readonly env: Readonly<Record<string, string | undefined>>
}): Promise<Blobs> => {
  const { dataDir, namespace, env } = options
  const folder = join(dataDir, 'blobs', namespace)
  const store = env.S3_BUCKET ? s3Store(env, `blobs/${namespace}`) : diskStore(folder)
  return await spooledBlobs(join(folder, 'incoming'), store)
}
