/** What every blob store must do alike: one suite for disk, S3 and memory. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Blobs } from '../../src/storage/blobs.ts'

const bytesOf = (size: number, seed = 1): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: size }, (_, at) => (at * 131 + seed * 17 + (at >> 8)) % 256)

const digestOf = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher('sha256').update(bytes).digest('hex')

/** The bytes in pieces, and then an error instead of the end when one is given. */
export const streamOf = (
  bytes: Uint8Array,
  pieceBytes: number,
  failure?: Error,
): ReadableStream<Uint8Array> => {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += pieceBytes)))
      else if (failure) controller.error(failure)
      else controller.close()
    },
  })
}

const read = async (stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array | null> =>
  stream && new Uint8Array(await new Response(stream).arrayBuffer())

const failure = async (work: Promise<unknown>): Promise<unknown> => {
  const error = await work.then(
    () => expect.unreachable('should have failed'),
    (caught: unknown) => caught,
  )
  return { ...(error as object), name: (error as Error).name }
}

export const blobConformance = (
  name: string,
  open: () => Promise<{ blobs: Blobs; close(): Promise<void> }>,
): void => {
  describe(`blobs ${name}`, () => {
    let blobs: Blobs
    let close: () => Promise<void>
    beforeAll(async () => {
      ;({ blobs, close } = await open())
    })
    afterAll(() => close?.())

    describe('whole', () => wholeConformance(() => blobs))
    describe('in parts', () => uploadConformance(() => blobs))
  })
}

const wholeConformance = (store: () => Blobs): void => {
  test('come back whole and in ranges, under their digest, whatever the size', async () => {
    const blobs = store()
    for (const sizeBytes of [0, 1, 65_536, 1_000_003]) {
      const bytes = bytesOf(sizeBytes)
      const blob = { sha256: digestOf(bytes), sizeBytes }
      expect(await blobs.put(streamOf(bytes, 30_000), blob)).toEqual(blob)
      expect(await blobs.info(blob.sha256)).toEqual(blob)
      expect(digestOf((await read(await blobs.get(blob.sha256))) ?? bytesOf(3))).toBe(blob.sha256)
    }
    const { sha256 } = await blobs.put(bytesOf(1000))
    for (const [start, end] of [
      [0, 1],
      [10, 500],
      [990, 2000],
      [999, 1000],
    ] as const) {
      const part = await read(await blobs.get(sha256, { start, end }))
      expect(part).toEqual(bytesOf(1000).slice(start, end))
    }
  })

  test('are kept once, also when many store them at once, until deleted', async () => {
    const blobs = store()
    const bytes = bytesOf(50_000, 2)
    const blob = { sha256: digestOf(bytes), sizeBytes: 50_000 }
    const puts = Array.from({ length: 5 }, () => blobs.put(streamOf(bytes, 7000)))
    expect(await Promise.all(puts)).toEqual(Array(5).fill(blob))
    await blobs.delete(blob.sha256)
    await blobs.delete(blob.sha256)
    expect([await blobs.info(blob.sha256), await blobs.get(blob.sha256)]).toEqual([null, null])
  })

  test('names that are no digest are unknown', async () => {
    const blobs = store()
    for (const name of ['', '../incoming', 'A'.repeat(64), '0'.repeat(63)]) {
      expect([await blobs.info(name), await blobs.get(name)]).toEqual([null, null])
      await blobs.delete(name)
    }
  })

  test('what is too large, other than announced or cut off is not kept', async () => {
    const blobs = store()
    const bytes = bytesOf(10_000, 3)
    const sha256 = digestOf(bytes)
    const other = digestOf(bytesOf(1))
    expect(await failure(blobs.put(streamOf(bytes, 999), { maxBytes: 9999 }))).toEqual({
      name: 'BlobTooLargeError',
      maxBytes: 9999,
    })
    expect(await failure(blobs.put(streamOf(bytes, 999), { sha256: other }))).toEqual({
      name: 'DigestMismatchError',
      expected: other,
      actual: sha256,
    })
    const cut = blobs.put(streamOf(bytes, 999, new TypeError('gone')))
    expect(await failure(cut)).toMatchObject({ name: 'TypeError' })
    expect(await blobs.info(sha256)).toBeNull()
  })
}

const uploadConformance = (store: () => Blobs): void => {
  test('go on where they stopped', async () => {
    const { uploads, info } = store()
    const bytes = bytesOf(100_000, 4)
    const blob = { sha256: digestOf(bytes), sizeBytes: bytes.length }
    expect(await uploads.offset('resumed')).toBe(0)
    expect(await uploads.append('resumed', 0, streamOf(bytes.slice(0, 40_000), 999))).toBe(40_000)
    expect(await uploads.offset('resumed')).toBe(40_000)
    expect(await uploads.append('resumed', 40_000, bytes.slice(40_000))).toBe(100_000)
    expect(await uploads.commit('resumed', blob)).toEqual(blob)
    expect([await uploads.offset('resumed'), await info(blob.sha256)]).toEqual([0, blob])
  })

  test('a part at another offset, or of nothing, is told where the upload stands', async () => {
    const { uploads } = store()
    expect(await failure(uploads.commit('strict'))).toEqual({
      name: 'UploadOffsetError',
      offset: 0,
    })
    await uploads.append('strict', 0, bytesOf(10))
    for (const at of [0, 5, 11]) {
      expect(await failure(uploads.append('strict', at, bytesOf(1)))).toEqual({
        name: 'UploadOffsetError',
        offset: 10,
      })
    }
    await uploads.abort('strict')
    expect(await uploads.offset('strict')).toBe(0)
  })

  test('a part beyond the limit is dropped, a wrong digest keeps the upload', async () => {
    const { uploads } = store()
    await uploads.append('limited', 0, bytesOf(10), 15)
    expect(await failure(uploads.append('limited', 10, streamOf(bytesOf(9), 2), 15))).toMatchObject(
      {
        name: 'BlobTooLargeError',
      },
    )
    expect(await uploads.offset('limited')).toBe(10)
    const sha256 = digestOf(bytesOf(1))
    expect(await failure(uploads.commit('limited', { sha256 }))).toMatchObject({
      name: 'DigestMismatchError',
    })
    expect(await uploads.commit('limited')).toEqual({
      sha256: digestOf(bytesOf(10)),
      sizeBytes: 10,
    })
  })
}
