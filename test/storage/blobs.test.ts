/** The blob stores on disk and in memory keep their promises, also in a small memory. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryBlobs } from '../../src/storage/blobs-memory.ts'
import { openBlobs } from '../../src/storage/blobs.ts'
import { blobConformance, streamOf } from '../conformance/blobs.ts'

const folders: string[] = []
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-blobs-'))
  folders.push(folder)
  return folder
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

blobConformance('in memory', async () => ({ blobs: memoryBlobs(), close: async () => {} }))

blobConformance('on disk', async () => {
  const dataDir = newFolder()
  const blobs = await openBlobs({ dataDir, namespace: 'test', env: {} })
  const leftovers = () => readdirSync(join(dataDir, 'blobs', 'test', 'incoming'))
  return { blobs, close: async () => expect(leftovers()).toEqual([]) }
})

test('a cut part of an upload is kept, and a restart goes on from it', async () => {
  const dataDir = newFolder()
  const before = await openBlobs({ dataDir, namespace: 'test', env: {} })
  const bytes = new Uint8Array(10_000).fill(7)
  const cut = streamOf(bytes.slice(0, 6000), 1000, new Error('connection lost'))
  await expect(before.uploads.append('cut', 0, cut)).rejects.toThrow('connection lost')
  const after = await openBlobs({ dataDir, namespace: 'test', env: {} })
  expect(await after.uploads.offset('cut')).toBe(6000)
  await after.uploads.append('cut', 6000, bytes.slice(6000))
  expect(await after.uploads.commit('cut')).toMatchObject({ sizeBytes: 10_000 })
})

test('two parts of one upload at once: one is told to wait', async () => {
  const { uploads } = await openBlobs({ dataDir: newFolder(), namespace: 'test', env: {} })
  const both = [1, 2].map((fill) => uploads.append('twice', 0, new Uint8Array(100).fill(fill)))
  const results = await Promise.allSettled(both)
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await uploads.offset('twice')).toBe(100)
})

test('an upload id cannot leave its folder', async () => {
  const { uploads } = await openBlobs({ dataDir: newFolder(), namespace: 'test', env: {} })
  for (const id of ['../x', 'a/b', '', 'x'.repeat(101)]) {
    await expect(uploads.offset(id)).rejects.toThrow('Not an upload id')
  }
})

test('a start removes what a crash left, and uploads older than a week', async () => {
  const dataDir = newFolder()
  const incoming = join(dataDir, 'blobs', 'test', 'incoming')
  await openBlobs({ dataDir, namespace: 'test', env: {} })
  for (const name of ['put-crashed', 'upload-new', 'upload-old']) {
    writeFileSync(join(incoming, name), 'x')
  }
  const eightDaysAgo = Date.now() / 1000 - 8 * 24 * 3600
  utimesSync(join(incoming, 'upload-old'), eightDaysAgo, eightDaysAgo)
  await openBlobs({ dataDir, namespace: 'test', env: {} })
  expect(readdirSync(incoming)).toEqual(['upload-new'])
})

test('150 MB go in and out in a small memory', async () => {
  const blobs = await openBlobs({ dataDir: newFolder(), namespace: 'test', env: {} })
  const piece = new Uint8Array(1 << 20).fill(5)
  let left = 150
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => (left-- > 0 ? controller.enqueue(piece) : controller.close()),
  })
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  const { sha256, sizeBytes } = await blobs.put(source)
  let readBytes = 0
  for await (const chunk of (await blobs.get(sha256)) ?? []) readBytes += chunk.length
  const grownBytes = process.memoryUsage.rss() - before
  expect([sizeBytes, readBytes]).toEqual([150 << 20, 150 << 20])
  expect(grownBytes).toBeLessThan(75 << 20)
})
