/** Head and tail of what a program printed: the last line is as sure to be kept as the first. */
import type { JobBytes, Who } from '../../../src/sdk.ts'
import type { Output } from '../journal/node.ts'

const headBytes = 32 * 1024
const tailBytes = 32 * 1024

export const readOutput = async (
  bytes: Pick<JobBytes, 'size' | 'read'>,
  who: Who,
  jobId: string,
): Promise<Output> => {
  const totalBytes = await bytes.size(who, jobId, 'log')
  const part = (start: number, end: number) => bytes.read(who, jobId, 'log', { start, end })
  if (totalBytes <= headBytes + tailBytes) {
    return { head: decoded(await part(0, totalBytes)), tail: '', omittedBytes: 0, totalBytes }
  }
  const head = withoutBrokenEnd(await part(0, headBytes))
  const tail = withoutBrokenStart(await part(totalBytes - tailBytes, totalBytes))
  return {
    head: decoded(head),
    tail: decoded(tail),
    omittedBytes: totalBytes - head.length - tail.length,
    totalBytes,
  }
}

/** What is not UTF-8 becomes a replacement character. */
const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const isContinuation = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80

/** The cut may have gone through a character. */
const withoutBrokenStart = (bytes: Uint8Array): Uint8Array => {
  let start = 0
  while (start < 3 && isContinuation(bytes[start])) start += 1
  return bytes.subarray(start)
}

const withoutBrokenEnd = (bytes: Uint8Array): Uint8Array => {
  let first = bytes.length - 1
  while (bytes.length - first < 4 && isContinuation(bytes[first])) first -= 1
  const lead = bytes[first] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return bytes.subarray(0, first + length > bytes.length ? first : bytes.length)
}
