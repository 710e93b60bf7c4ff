/** Moves and digests the bytes of files in constant memory. */
import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 1 << 20

/** Calls `take` with every chunk from `position` on; the chunk is only valid during the call. */
export const readChunks = async (
  file: FileHandle,
  take: (chunk: Uint8Array) => void | Promise<void>,
  position = 0,
): Promise<number> => {
  // A small file must not cost a large buffer: trees of a hundred thousand of them are usual.
  const { size } = await file.stat()
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunkBytes, size - position + 1)))
  let at = position
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return at
    await take(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

export const writeFully = async (
  file: FileHandle,
  chunk: Uint8Array,
  position: number,
): Promise<void> => {
  let written = 0
  while (written < chunk.length) {
    const rest = chunk.length - written
    written += (await file.write(chunk, written, rest, position + written)).bytesWritten
  }
}

export const sha256 = () => new Bun.CryptoHasher('sha256')

export const digestOf = async (file: FileHandle): Promise<{ sha256: string; size: number }> => {
  const hasher = sha256()
  const size = await readChunks(file, (chunk) => {
    hasher.update(chunk)
  })
  return { sha256: hasher.digest('hex'), size }
}
