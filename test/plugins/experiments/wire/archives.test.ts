/** Archives are taken apart into the inputs, and the dangerous and the broken are refused whole. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { unzip } from '../../../../plugins/experiments/files/unzip.ts'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { answer, created, failure, given, open, sendJson, uploaded } from './rig.ts'
import { type ZipEntry, zipSync } from './zip.ts'

let app: PluginUnderTest
beforeAll(async () => {
  app = await open()
})
afterAll(() => app.stop())

const file = (name: string, bytes = name): ZipEntry => ({ name, bytes })

const createWith = async (files: Record<string, Uint8Array>) =>
  answer(
    await sendJson(app.fetch, 'POST', '/api/experiments', {
      ...given,
      files: await uploaded(app.fetch, files),
    }),
  )

const sha256 = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex')
const kept = (name: string, text = name) => ({ name, sha256: sha256(text), size: text.length })

test('an archive becomes the files in it, without what systems leave there', async () => {
  const entries = [
    file('train.csv'),
    file('images/'),
    file('images/a.txt'),
    file('__MACOSX/._train.csv'),
    file('images/.DS_Store'),
  ]
  const files = await uploaded(app.fetch, { 'train.csv': 'mine', 'data.zip': zipSync(entries) })
  expect((await created(app.fetch, { files })).files).toEqual([
    kept('images/a.txt'),
    kept('train (2).csv', 'train.csv'),
    kept('train.csv', 'mine'),
  ])
})

const link = { ...file('link', '/etc/passwd'), mode: 0o120777 }
const long = `${'a/'.repeat(600)}b`

test.each<[string, Uint8Array, string]>([
  ['no archive', Buffer.from('PK or not'), 'is not a zip archive'],
  ['a name above it', zipSync([file('../evil')]), 'is broken, or names files outside of it'],
  ['an absolute name', zipSync([file('/etc/x')]), 'is broken, or names files outside of it'],
  ['a link', zipSync([link]), 'holds a link: link'],
  ['a name twice', zipSync([file('a'), file('a')]), 'names a twice'],
  ['a long path', zipSync([file(long)]), 'holds a path of more than 1000 bytes'],
  ['a false checksum', zipSync([{ ...file('a'), crc: 1 }]), 'is broken: a'],
  ['a false size', zipSync([{ ...file('a'), size: 1000 }]), 'is broken: a'],
  ['a smaller size', zipSync([{ ...file('a', 'longer'), size: 2 }]), 'is broken: a'],
  ['broken data', zipSync([{ ...file('a'), raw: Buffer.from([7, 7, 7, 7]) }]), 'is broken: a'],
  ['a bomb', zipSync([file('zeros', '0'.repeat(4_000_000))]), 'unpacks to too much'],
])('an archive with %s is refused', async (_what, bytes, message) => {
  const reply = await createWith({ 'data.zip': bytes })
  expect(reply).toEqual(failure(400, 'VALIDATION_ERROR', `data.zip ${message}`))
})

test('a file cannot be a folder too, in one archive or in two', async () => {
  const message = 'a would be a file and a folder'
  const both = zipSync([file('a'), file('a/b.csv')])
  expect(await createWith({ 'x.zip': both })).toEqual(failure(400, 'VALIDATION_ERROR', message))
  const files = { 'x.zip': zipSync([file('a/b.csv')]), 'y.zip': zipSync([file('a')]) }
  expect(await createWith(files)).toEqual(failure(400, 'VALIDATION_ERROR', message))
})

test('all archives of an experiment share one budget', async () => {
  const blobs = memoryBlobs()
  const bytes = zipSync([file('a', '12345'), file('b', '12345')])
  const { sha256, sizeBytes } = await blobs.put(bytes)
  const archive = { path: 'x.zip', sha256, sizeBytes }
  const budget = { entries: 3, bytes: 15 }
  const names: string[] = []
  await unzip(blobs, archive, budget, ({ path }) => names.push(path))
  expect({ names, budget }).toEqual({ names: ['a', 'b'], budget: { entries: 1, bytes: 5 } })
  const again = unzip(blobs, archive, budget, () => undefined)
  await expect(again).rejects.toThrow('x.zip holds too many files')
  const bytesLeft = unzip(blobs, archive, { entries: 9, bytes: 5 }, () => undefined)
  await expect(bytesLeft).rejects.toThrow('x.zip unpacks to too much')
})
