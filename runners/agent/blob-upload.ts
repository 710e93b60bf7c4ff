/** Moves one file to the server by its digest: resumable, and not at all when it is there. */
import type { FileHandle } from 'node:fs/promises'
import type { Wire } from './wire.ts'

const pieceBytes = 8 * 2 ** 20

/** The file is not what its digest says, because something changed it. */
export class ChangedFileError extends Error {
  override readonly name = 'ChangedFileError'
}

/** @throws ChangedFileError, and whatever `open` throws */
export const uploadBlob = async (
  wire: Wire,
  open: () => Promise<FileHandle>,
  blob: { readonly sha256: string; readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<void> => {
  let offset = await wire.blobOffset(blob.sha256, signal)
  if (offset === 'whole') return
  const file = await open()
  try {
    const piece = new Uint8Array(Math.min(pieceBytes, blob.sizeBytes))
    while (offset < blob.sizeBytes) {
      const { bytesRead } = await file.read(piece, 0, piece.length, offset)
      if (bytesRead === 0) throw new ChangedFileError('An artifact became shorter')
      offset = await wire.putBlob(blob.sha256, offset, piece.subarray(0, bytesRead), signal)
    }
  } finally {
    await file.close()
  }
  if (await wire.commitBlob(blob.sha256, blob.sizeBytes, signal)) return
  throw new ChangedFileError('An artifact changed while it was sent')
}
