/** Placing inputs: by digest, resumable, never outside, and the same from any half-done state. */
import { describe, expect, test } from 'bun:test'
import { chmod, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { download } from '../../../runners/workspace/download.ts'
import { PrepareError } from '../../../runners/workspace/prepare-error.ts'
import { digest, input, workspace } from './fixture.ts'

const tree = async (folder: string) => {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const mode = ((await lstat(path)).mode & 0o777).toString(8)
    found[path.slice(folder.length + 1)] = `${mode} ${await readFile(path, 'utf8')}`
  }
  return found
}

const code = 'print("hello")\n'
const data = 'x'.repeat(50_000)

test('files lie where the plan says, with their modes, and nothing else is left', async () => {
  await using place = await workspace()
  for (const content of [code, data, '']) place.server.put(content)
  await place.prepare([
    input('train.py', code, true),
    input('data/raw/./a.txt', data),
    input('data//b.txt', data),
    input('empty', ''),
  ])
  expect(await tree(place.work)).toEqual({
    'train.py': `755 ${code}`,
    'data/raw/a.txt': `644 ${data}`,
    'data/b.txt': `644 ${data}`,
    empty: '644 ',
  })
  expect(await readdir(place.folder)).toEqual(['work'])
})

test('content is fetched once, however many files and attempts want it', async () => {
  await using place = await workspace()
  place.server.put(data)
  const names = Array.from({ length: 30 }, (_, n) => input(`copy-${n}`, data))
  await place.prepare(names)
  await Bun.$`rm -r ${place.work}`
  await place.prepare(names)
  expect(Object.keys(await tree(place.work))).toHaveLength(30)
  expect(place.server.requests).toEqual([{ sha256: digest(data), offset: 0 }])
})

test('a program that changes its inputs does not change those of the next', async () => {
  await using place = await workspace()
  place.server.put(data)
  await place.prepare([input('a', data)])
  await chmod(join(place.work, 'a'), 0o777)
  await writeFile(join(place.work, 'a'), 'spoiled')
  await Bun.$`rm -r ${place.work}`
  await place.prepare([input('a', data)])
  expect(await tree(place.work)).toEqual({ a: `644 ${data}` })
})

test('a checkpoint replaces an input of its path, and is not cached', async () => {
  await using place = await workspace()
  place.server.put('new')
  const checkpoint = input('out/model.ckpt', 'new')
  await place.prepare([input('out/model.ckpt', 'old')], checkpoint)
  expect(await tree(place.work)).toEqual({ 'out/model.ckpt': '644 new' })
  expect(await readdir(place.cacheFolder)).toEqual([])
})

describe('downloads', () => {
  test.each([
    ['through the cache', 2 ** 30],
    ['too large for the cache', 80_000],
  ])('go on where the connection broke (%s)', async (_, maxBytes) => {
    await using place = await workspace({ maxBytes })
    place.server.put(data)
    place.server.state.breakAfter = 20_000
    await place.prepare([input('a', data)])
    expect(await tree(place.work)).toEqual({ a: `644 ${data}` })
    expect(place.server.requests.map(({ offset }) => offset)).toEqual([0, 20_000, 40_000])
  })

  test('begin anew when the server knows no ranges', async () => {
    await using place = await workspace()
    place.server.put(data)
    place.server.state.breakAfter = 20_000
    place.server.state.ranges = false
    await expect(place.prepare([input('a', data)])).rejects.toThrow('connection reset')
    expect(place.server.requests.map(({ offset }) => offset)).toEqual([0, 20_000])
    place.server.state.breakAfter = null
    await place.prepare([input('a', data)])
    expect(await tree(place.work)).toEqual({ a: `644 ${data}` })
  })

  test('a broken connection is worth another try, which keeps the bytes', async () => {
    await using place = await workspace()
    place.server.put(data)
    place.server.state.breakAfter = 0
    const first = place.prepare([input('a', data)])
    await expect(first).rejects.not.toBeInstanceOf(PrepareError)
    await writeFile(join(place.cacheFolder, `${digest(data)}.part`), data.slice(0, 30_000))
    place.server.state.breakAfter = null
    await place.prepare([input('a', data)])
    expect(place.server.requests.map(({ offset }) => offset)).toEqual([0, 30_000])
    expect(await tree(place.work)).toEqual({ a: `644 ${data}` })
  })

  test('damaged bytes of an earlier attempt are thrown away', async () => {
    await using place = await workspace()
    place.server.put(data)
    await writeFile(join(place.cacheFolder, `${digest(data)}.part`), 'y'.repeat(30_000))
    await place.prepare([input('a', data)])
    expect(await tree(place.work)).toEqual({ a: `644 ${data}` })
  })

  test('damaged content of the cache is fetched again', async () => {
    await using place = await workspace()
    place.server.put(data)
    await writeFile(join(place.cacheFolder, digest(data)), 'y'.repeat(data.length))
    await place.prepare([input('a', data)])
    expect(await tree(place.work)).toEqual({ a: `644 ${data}` })
  })

  test.each([
    ['is not on the server', 'nothing'],
    ['arrived with another digest', 'y'.repeat(data.length)],
    ['arrived with another digest', `${data}and more`],
  ])('an input that %s fails for good', async (message, served) => {
    await using place = await workspace()
    if (served !== 'nothing') place.server.blobs.set(digest(data), Buffer.from(served))
    const failed = place.prepare([input('a', data)])
    await expect(failed).rejects.toThrow(PrepareError)
    await expect(failed).rejects.toThrow(message)
  })

  test('tell how far they are', async () => {
    await using place = await workspace()
    place.server.put(data)
    const said: string[] = []
    await place.prepare([input('a', data)], null, (detail) => said.push(detail))
    expect(said).toEqual(['fetching inputs: 0.0 of 0.1 MB'])
  })
})

describe('what an agent that was killed left behind', () => {
  test('whole files are kept, others are made again', async () => {
    await using place = await workspace()
    place.server.put(code)
    await mkdir(place.work, { recursive: true })
    await writeFile(join(place.work, 'whole'), data)
    await writeFile(join(place.work, 'half'), code.slice(0, 3))
    await writeFile(join(place.work, 'wrong'), 'z'.repeat(code.length))
    await mkdir(join(place.folder, 'incoming'))
    await writeFile(join(place.folder, 'incoming', digest('half')), 'rest of a copy')
    await place.prepare([input('whole', data), input('half', code), input('wrong', code, true)])
    expect(await tree(place.work)).toEqual({
      whole: `644 ${data}`,
      half: `644 ${code}`,
      wrong: `755 ${code}`,
    })
    expect(await readdir(place.folder)).toEqual(['work'])
  })

  test('a link in the way is not followed', async () => {
    await using place = await workspace()
    place.server.put(code)
    await mkdir(place.work, { recursive: true })
    await writeFile(join(place.outside, 'victim'), 'theirs')
    await symlink(join(place.outside, 'victim'), join(place.work, 'a'))
    await place.prepare([input('a', code)])
    expect(await tree(place.work)).toEqual({ a: `644 ${code}` })
    await symlink(place.outside, join(place.work, 'way'))
    await expect(place.prepare([input('way/b', code)])).rejects.toThrow('leads elsewhere')
    expect(await readFile(join(place.outside, 'victim'), 'utf8')).toBe('theirs')
  })
})

test.each([
  ['../a', 'is not allowed'],
  ['a/../../b', 'is not allowed'],
  ['/etc/passwd', 'is not allowed'],
  ['a\\..\\b', 'is not allowed'],
  ['a\nb', 'is not allowed'],
  ['.', 'is not allowed'],
  ['n'.repeat(256), 'is not allowed'],
  ['b/', 'is named twice'],
  ['b/c', 'is both a file and a folder'],
])('the path %p is refused', async (path, message) => {
  await using place = await workspace()
  const failed = place.prepare([input('b', code), { ...input('x', code), path }])
  await expect(failed).rejects.toThrow(message)
  expect(place.server.requests).toEqual([])
})

test('the cache keeps within its size, the last used stay', async () => {
  await using place = await workspace({ maxBytes: 80_000 })
  const contents = Array.from({ length: 20 }, (_, n) => `${n}`.padEnd(10_000, '.'))
  for (const [n, content] of contents.entries()) {
    place.server.put(content)
    await place.prepare([input(`file-${n}`, content), input(`again-${n}`, contents[0] ?? '')])
  }
  const kept = await readdir(place.cacheFolder)
  expect(kept).toHaveLength(8)
  expect(kept).toContain(digest(contents[0] ?? ''))
  expect(kept).toContain(digest(contents[19] ?? ''))
})

test('a large file moves in constant memory', async () => {
  await using place = await workspace({ maxBytes: 1 })
  const chunk = new Uint8Array(1 << 20).fill(7)
  const chunks = 160
  const hasher = new Bun.CryptoHasher('sha256')
  for (let n = 0; n < chunks; n++) hasher.update(chunk)
  const sha256 = hasher.digest('hex')
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  const target = join(place.folder, 'large')
  await download(
    target,
    { sha256, sizeBytes: chunks * chunk.length },
    {
      fetchBlob: async (_, offset) => ({
        offset,
        bytes: (async function* () {
          for (let n = 0; n < chunks; n++) yield chunk
        })(),
      }),
    },
  )
  expect((await lstat(target)).size).toBe(chunks * chunk.length)
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20)
})
