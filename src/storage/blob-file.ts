/** Writes streams to files, and says about files what the blob stores need to know. */
import { type FileHandle, open } from 'node:fs/promises'
import type { BlobInfo, BlobSource } from './blobs.ts'
import { BlobTooLargeError, DiskFullError } from './errors.ts'

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT'

/** Runs file work, with a full disk or quota under its own name. */
export const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw ['ENOSPC', 'EDQUOT'].includes(codeOf(error)) ? new DiskFullError(error) : error
  }
}

const writeFully = async (file: FileHandle, chunk: Uint8Array, position: number): Promise<void> => {
  let written = 0
  while (written < chunk.length) {
    const rest = chunk.length - written
    written += (await file.write(chunk, written, rest, position + written)).bytesWritten
  }
}

/**
 * Writes everything from `position` on and flushes it to the disk; answers the size of the file.
 * @throws BlobTooLargeError when the file would grow beyond `maxBytes`, before it does
 */
export const writeStream = async (
  file: FileHandle,
  bytes: BlobSource,
  position: number,
  options: { maxBytes?: number | undefined; onChunk?(chunk: Uint8Array): void } = {},
): Promise<number> => {
  const { maxBytes = Infinity, onChunk } = options
  let end = position
  for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
    if (end + chunk.length > maxBytes) throw new BlobTooLargeError(maxBytes)
    onChunk?.(chunk)
    await writeFully(file, chunk, end)
    end += chunk.length
  }
  await file.sync()
  return end
}

/** Digest and size of a file, read in constant memory. */
export const digestFile = async (path: string): Promise<BlobInfo> => {
  const hasher = new Bun.CryptoHasher('sha256')
  let sizeBytes = 0
  for await (const chunk of Bun.file(path).stream()) {
    hasher.update(chunk)
    sizeBytes += chunk.length
  }
  return { sha256: hasher.digest('hex'), sizeBytes }
}

/** Makes a rename in a folder survive a power cut. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
