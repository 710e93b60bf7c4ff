/** Brings content to this node by its digest: resumable, verified, in constant memory. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { readChunks, sha256, writeFully } from './file-bytes.ts'
import { onDisk, PrepareError } from './prepare-error.ts'

export interface BlobBytes {
  /** Where the bytes begin; 0 when the server could not begin where it was asked to. */
  readonly offset: number
  readonly bytes: AsyncIterable<Uint8Array>
}

/** Asks the server for content from an offset on; null when it has none of this digest. */
export type FetchBlob = (
  sha256: string,
  offset: number,
  signal?: AbortSignal,
) => Promise<BlobBytes | null>

export interface Wanted {
  readonly sha256: string
  readonly sizeBytes: number
}

export interface DownloadOptions {
  readonly fetchBlob: FetchBlob
  readonly signal?: AbortSignal
  /** Called with the bytes that came, for progress. */
  onBytes?(count: number): void
}

/**
 * Fills the file at `path`, going on with what an earlier attempt left there.
 * @throws PrepareError when the server lacks the content or its digest differs; other errors are
 * the connection's, and what came so far is kept.
 */
export const download = async (
  path: string,
  wanted: Wanted,
  options: DownloadOptions,
): Promise<void> => {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const file = await onDisk(() => open(path, flags, 0o600))
  try {
    const { size } = await file.stat()
    // Bytes of an earlier attempt may have been hurt by a power cut: doubt them once.
    if (size > 0) {
      if (await fill(file, wanted, options)) return
      // Only then: some file systems flush a file that was cut to nothing when it is closed.
      await file.truncate(0)
    }
    if (await fill(file, wanted, options)) return
    await file.truncate(0)
    throw new PrepareError(`the input ${wanted.sha256} arrived with another digest`)
  } finally {
    await file.close()
  }
}

/** False when the whole does not have the digest. */
const fill = async (file: FileHandle, wanted: Wanted, options: DownloadOptions) => {
  let hasher = sha256()
  let size = await readChunks(file, (chunk) => {
    hasher.update(chunk)
  })
  while (size < wanted.sizeBytes) {
    const before = size
    const got = await options.fetchBlob(wanted.sha256, size, options.signal)
    if (got === null) throw new PrepareError(`the input ${wanted.sha256} is not on the server`)
    if (got.offset !== size) {
      if (got.offset !== 0) throw new Error(`asked for bytes from ${size}, got ${got.offset}`)
      await file.truncate(0)
      hasher = sha256()
      size = 0
    }
    try {
      for await (const chunk of got.bytes) {
        options.signal?.throwIfAborted()
        if (size + chunk.length > wanted.sizeBytes) return false
        await onDisk(() => writeFully(file, chunk, size))
        hasher.update(chunk)
        size += chunk.length
        options.onBytes?.(chunk.length)
      }
    } catch (error) {
      if (error instanceof PrepareError || options.signal?.aborted || size <= before) throw error
    }
    if (size <= before) throw new Error(`the input ${wanted.sha256} ended early`)
  }
  return size === wanted.sizeBytes && hasher.digest('hex') === wanted.sha256
}
