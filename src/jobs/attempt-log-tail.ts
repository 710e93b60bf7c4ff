/** Finds where the last lines of a log begin, reading from its end. */
import type { ByteStore, StreamKey } from './attempt-log.ts'

const stepBytes = 64 * 1024
const lf = 10

/** More is not searched for: a log of few newlines is answered from there. */
const maxSearchBytes = 64 * 1024 * 1024

/** The offset at which the last `lines` lines begin. */
export const tailOffset = async (
  store: ByteStore,
  key: StreamKey,
  size: number,
  lines: number,
): Promise<number> => {
  if (lines <= 0) return size
  let wanted = lines
  const lowest = Math.max(0, size - maxSearchBytes)
  for (let end = size; end > lowest; end -= stepBytes) {
    const start = Math.max(lowest, end - stepBytes)
    const pieces: Uint8Array[] = []
    for await (const piece of store.read(key, start, end)) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    // The newline at the very end belongs to the last line.
    for (let at = bytes.length - (end === size ? 2 : 1); at >= 0; at--) {
      if (bytes[at] === lf && --wanted === 0) return start + at + 1
    }
  }
  return lowest
}
