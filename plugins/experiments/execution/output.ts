/** Head and tail of what a program printed: the last line is as sure to be kept as the first. */
import type { JobBytes, Who } from '../../../src/sdk.ts'
import type { Output } from '../journal/node.ts'

const headBytes = 32 * 1024
const tailBytes = 32 * 1024

export const readOutput = async (bytes: JobBytes, who: Who, jobId: string): Promise<Output> => {
  const totalBytes = await bytes.size(who, jobId, 'log')
  const part = async (start: number, end: number) =>
    new TextDecoder().decode(await bytes.read(who, jobId, 'log', { start, end }))
  if (totalBytes <= headBytes + tailBytes) {
    return { head: await part(0, totalBytes), tail: '', omittedBytes: 0, totalBytes }
  }
  return {
    head: await part(0, headBytes),
    tail: await part(totalBytes - tailBytes, totalBytes),
    omittedBytes: totalBytes - headBytes - tailBytes,
    totalBytes,
  }
}
