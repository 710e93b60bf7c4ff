/** Cuts a stream of bytes into TFRecords, each checked against its checksums. */
import { HearthError } from '../../../src/sdk.ts'
import { maskedCrc32c } from './crc32c.ts'

/** Length (8 bytes) and its checksum (4); the data is followed by another 4. */
const headerBytes = 12
const footerBytes = 4

/** Events that hold images reach a few MiB; more than this is a damaged length. */
const maxRecordBytes = 64 * 1024 * 1024

/**
 * Yields the data of each record. A file that a program is still writing, or was killed writing,
 * ends in the middle of a record: that rest is left out.
 * @throws HearthError `bad_request` naming the byte at which a record is damaged
 */
export async function* records(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array = new Uint8Array(0)
  let offset = 0
  // Bytes that must be there before another look is worth it: a large record is joined once.
  let needed = headerBytes
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  for await (const chunk of chunks) {
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (pending.length + waitingBytes < needed) continue
    pending = Buffer.concat([pending, ...waiting])
    waiting = []
    waitingBytes = 0
    let start = 0
    for (;;) {
      const size = recordSize(pending, start, offset)
      needed = size ?? headerBytes
      if (size === null || pending.length - start < size) break
      yield recordData(pending, start, size, offset)
      start += size
      offset += size
    }
    pending = pending.subarray(start)
  }
}

/** Bytes of the whole record at `start`; null while its header is not all there. */
const recordSize = (bytes: Uint8Array, start: number, offset: number): number | null => {
  if (bytes.length - start < headerBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, headerBytes)
  if (view.getUint32(8, true) !== maskedCrc32c(bytes.subarray(start, start + 8))) {
    throw damaged(offset, offset === 0 ? 'is no TensorBoard event file' : 'has a damaged length')
  }
  const length = Number(view.getBigUint64(0, true))
  if (length > maxRecordBytes) throw damaged(offset, `is longer than ${maxRecordBytes} bytes`)
  return headerBytes + length + footerBytes
}

const recordData = (bytes: Uint8Array, start: number, size: number, offset: number): Uint8Array => {
  const data = bytes.subarray(start + headerBytes, start + size - footerBytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset + start + size - footerBytes, 4)
  if (view.getUint32(0, true) !== maskedCrc32c(data)) throw damaged(offset, 'is damaged')
  return data
}

const damaged = (offset: number, problem: string): HearthError =>
  new HearthError('bad_request', `The record at byte ${offset} ${problem}`)
