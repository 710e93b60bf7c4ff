/** Of long output head and tail are kept, whatever its bytes are. */
import { expect, test } from 'bun:test'
import { readOutput } from '../../../../plugins/experiments/execution/output.ts'
import type { JobBytes, Who } from '../../../../src/sdk.ts'

const who: Who = { id: 1, username: 'ada', isSuperuser: false, via: 'key' }
const part = 32 * 1024

const read = (log: Uint8Array) => {
  const bytes: Pick<JobBytes, 'size' | 'read'> = {
    size: async () => log.length,
    read: async (_who, _id, _stream, range) => log.slice(range?.start, range?.end),
  }
  return readOutput(bytes, who, 'job')
}

test('what fits is kept whole', async () => {
  const text = 'x'.repeat(2 * part)
  expect(await read(Buffer.from(text))).toEqual({
    head: text,
    tail: '',
    omittedBytes: 0,
    totalBytes: 2 * part,
  })
})

test.each([
  ['é', 2],
  ['€', 3],
  ['🔥', 4],
])('%s is never cut through', async (character, size) => {
  // At every place that the cuts can have within a character.
  for (let shift = 0; shift < size; shift++) {
    const text = 'a'.repeat(shift) + character.repeat((3 * part) / size)
    const { head, tail, omittedBytes, totalBytes } = await read(Buffer.from(text))
    const kept = Buffer.byteLength(head) + Buffer.byteLength(tail)
    expect([text.startsWith(head), text.endsWith(tail)]).toEqual([true, true])
    expect([totalBytes, omittedBytes]).toEqual([Buffer.byteLength(text), totalBytes - kept])
    expect(kept).toBeGreaterThan(2 * part - 2 * size)
  }
})

test('bytes that are no text become marks, and are counted', async () => {
  const { head, tail, omittedBytes } = await read(new Uint8Array(3 * part).fill(0x80))
  expect(head).toMatch(/^\uFFFD+$/)
  expect([head.length, tail.length, omittedBytes]).toEqual([part, part - 3, part + 3])
})
