/** Files of runs: whole, in parts and in ranges; shared bytes are deleted with their last name. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { Artifacts } from '../../../../plugins/tracking/artifacts/artifacts.ts'
import { type Database, sql } from '../../../../src/sdk.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { createPostgres } from '../../../storage/postgres-server.ts'
import { openTracking, type TrackingUnderTest } from '../fixture.ts'

const sha256 = (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex')
const digest = (text: string): string =>
  `sha-256=${new Bun.CryptoHasher('sha256').update(text).digest('base64')}`

let app: TrackingUnderTest
let ann: Awaited<ReturnType<TrackingUnderTest['as']>>
let run: number
let files: string

beforeAll(async () => {
  app = await openTracking()
  ann = await app.as('ann')
})
afterAll(() => app.stop())
beforeEach(async () => {
  run = await app.run()
  files = `/runs/${run}/artifacts`
})

const put = (path: string, body: string, headers: Record<string, string> = {}) =>
  ann.fetch(path, { method: 'PUT', body, headers: { 'content-type': 'text/plain', ...headers } })

const entry = (path: string, text: string, contentType = 'text/plain') => ({
  path,
  size: Buffer.byteLength(text),
  sha256: sha256(text),
  content_type: contentType,
  created_at: '2026-01-01T00:00:00',
})

test('a file is stored, listed, downloaded, replaced and deleted', async () => {
  const stored = await put(`${files}/model/größe%20a.txt`, 'hello')
  expect([stored.status, await stored.json()]).toEqual([200, entry('model/größe a.txt', 'hello')])
  await put(`${files}/b/`, '', { 'content-type': '' })
  await put(`${files}/b`, 'second')
  const list = [entry('b', 'second'), entry('model/größe a.txt', 'hello')]
  expect(await (await ann.fetch(files)).json()).toEqual(list)
  expect(await (await ann.fetch(`${files}/`)).json()).toEqual(list)
  const got = await ann.fetch(`${files}/model%2Fgr%C3%B6%C3%9Fe%20a.txt`)
  expect(await got.text()).toBe('hello')
  expect(Object.fromEntries(got.headers)).toMatchObject({
    'content-type': 'text/plain',
    'content-length': '5',
    'accept-ranges': 'bytes',
    etag: `"${sha256('hello')}"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'content-disposition':
      `attachment; filename="gr__e a.txt"; ` + `filename*=UTF-8''gr%C3%B6%C3%9Fe%20a.txt`,
  })
  const deleted = await app.ann('DELETE', `${files}/b`)
  expect(deleted.body as object).toEqual({ message: 'Artifact b deleted' })
  expect((await ann.fetch(`${files}/b`)).status).toBe(404)
  expect((await app.ann('DELETE', `${files}/b`)).status).toBe(404)
})

test.each([
  [{ range: 'bytes=1-2' }, 206, 'el', 'bytes 1-2/5'],
  [{ range: 'bytes=3-' }, 206, 'lo', 'bytes 3-4/5'],
  [{ range: 'bytes=-2' }, 206, 'lo', 'bytes 3-4/5'],
  [{ range: 'bytes=-9' }, 206, 'hello', 'bytes 0-4/5'],
  [{ range: 'bytes=0-99' }, 206, 'hello', 'bytes 0-4/5'],
  [{ range: 'bytes=0-0,2-3' }, 200, 'hello', null],
  [{ range: 'bytes=3-1' }, 200, 'hello', null],
  [{ range: 'lines=1-2' }, 200, 'hello', null],
  [{ range: 'bytes=1-2', 'if-range': '"other"' }, 200, 'hello', null],
  [{ range: 'bytes=1-2', 'if-range': `"${sha256('hello')}"` }, 206, 'el', 'bytes 1-2/5'],
  [{ 'if-none-match': `"x", W/"${sha256('hello')}"` }, 304, '', null],
  [{ 'if-none-match': '*' }, 304, '', null],
  [{ 'if-none-match': '"x"' }, 200, 'hello', null],
])('%j', async (headers, status, text, contentRange) => {
  await put(`${files}/a`, 'hello')
  const response = await ann.fetch(`${files}/a`, { headers: headers as Record<string, string> })
  expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
    status,
    text,
    contentRange,
  ])
})

test('a range outside of the file is refused with its size', async () => {
  await put(`${files}/a`, 'hello')
  const response = await ann.fetch(`${files}/a`, { headers: { range: 'bytes=5-' } })
  expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */5'])
})

test('HEAD tells what GET would', async () => {
  await put(`${files}/a`, 'hello')
  const { status, headers } = await ann.fetch(`${files}/a`, { method: 'HEAD' })
  expect([status, headers.get('content-length'), headers.get('etag')]).toEqual([
    200,
    '5',
    `"${sha256('hello')}"`,
  ])
})

test('bytes that are not the announced ones are not kept', async () => {
  expect((await put(`${files}/a`, 'hello', { digest: digest('other') })).status).toBe(412)
  expect((await put(`${files}/a`, 'hello', { digest: 'nothing' })).status).toBe(400)
  expect(await (await ann.fetch(files)).json()).toEqual([])
  expect((await put(`${files}/a`, 'hello', { digest: digest('hello') })).status).toBe(200)
})

test.each(['/..%2Fa', '/a%5Cb', '/a%00', '/%2Fa'])('the path %s is refused', async (path) => {
  const response = await put(`${files}${path}`, 'x')
  expect([response.status, await response.json()]).toEqual([
    400,
    expect.objectContaining({ code: 'validation', detail: expect.stringMatching(/^path\.path: /) }),
  ])
})

test('a file arrives in parts, and goes on after a lost reply', async () => {
  const upload = `/runs/${run}/uploads/big.bin`
  const part = async (offset: number | string, body: string, headers = {}) => {
    const response = await ann.fetch(upload, {
      method: 'PATCH',
      body,
      headers: { 'upload-offset': String(offset), ...headers },
    })
    return [response.status, response.headers.get('upload-offset'), await response.json()]
  }
  const offset = async (): Promise<unknown> => (await ann.fetch(upload)).json()
  expect(await offset()).toEqual({ offset: 0 })
  expect(await part(0, 'hel')).toEqual([200, null, { offset: 3, artifact: null }])
  expect(await part(0, 'hel')).toEqual([409, '3', expect.anything()])
  expect(await part('x', 'hel')).toEqual([400, null, expect.anything()])
  expect(await offset()).toEqual({ offset: 3 })
  expect(await (await ann.fetch(files)).json()).toEqual([])
  const last = { 'upload-complete': '?1', 'content-type': 'text/plain', digest: digest('hello') }
  expect(await part(3, 'lo', last)).toEqual([
    200,
    null,
    { offset: 5, artifact: entry('big.bin', 'hello') },
  ])
  expect(await (await ann.fetch(`${files}/big.bin`)).text()).toBe('hello')
  await part(0, 'x')
  await ann.fetch(upload, { method: 'DELETE' })
  expect(await offset()).toEqual({ offset: 0 })
})

test('others read the files of public projects and change none', async () => {
  await put(`${files}/a`, 'hello')
  const requests = [
    ['GET', files, 200],
    ['PUT', `${files}/b`, 403],
    ['DELETE', `${files}/a`, 403],
    ['GET', `/runs/${run}/uploads/a`, 403],
    ['PATCH', `/runs/${run}/uploads/a`, 403],
    ['DELETE', `/runs/${run}/uploads/a`, 403],
  ] as const
  for (const [method, path] of requests) {
    expect((await app.bob(method, path)).status).toBe(404)
    expect((await app.nobody(method, path)).status).toBe(401)
  }
  const { body } = await app.ann('GET', `/runs/${run}`)
  await app.ann('PUT', `/projects/${body['project_id']}`, { is_public: true })
  for (const [method, path, status] of requests) {
    expect([method, path, (await app.bob(method, path)).status]).toEqual([method, path, status])
  }
  const bob = await app.as('bob')
  expect(await (await bob.fetch(`${files}/a`)).text()).toBe('hello')
})

const dialects: [string, () => Promise<{ db: Database; close(): Promise<void> }>][] = [
  [
    'sqlite',
    async () => {
      const db = await openDatabase({ dataDir: ':memory:' })
      return { db, close: () => db.close() }
    },
  ],
  [
    'postgres',
    async () => {
      const { url, drop } = await createPostgres()
      const db = await openDatabase({ dataDir: ':memory:', databaseUrl: url })
      return { db, close: () => db.close().then(drop) }
    },
  ],
]

describe.each(dialects)('bytes on %s', (_, open) => {
  let tracking: TrackingUnderTest
  let close: () => Promise<void>
  let artifacts: Artifacts
  const blobs = memoryBlobs()
  const contentType = 'text/plain'

  beforeAll(async () => {
    const opened = await open()
    close = opened.close
    tracking = await openTracking({ db: opened.db })
    const { db, clock } = tracking
    artifacts = new Artifacts({ db, blobs, clock, maxBytes: 100 })
  })
  afterAll(async () => {
    await tracking?.stop()
    await close?.()
  })

  const store = (runId: number, path: string, text: string) =>
    artifacts.put({ runId, path, bytes: Buffer.from(text), contentType })
  const kept = async (text: string): Promise<boolean> => (await blobs.info(sha256(text))) !== null

  test('are deleted with the last file that has them', async () => {
    const [one, two] = [await tracking.run(), await tracking.run()]
    await store(one, 'a', 'shared')
    await store(one, 'b', 'shared')
    await store(two, 'c', 'shared')
    await store(one, 'd', 'own')
    await artifacts.delete(one, 'a')
    await artifacts.deleteRun(one)
    expect([await kept('shared'), await kept('own')]).toEqual([true, false])
    await store(two, 'c', 'replaced')
    expect([await kept('shared'), await kept('replaced')]).toEqual([false, true])
    expect(await artifacts.list(one)).toEqual([])
  })

  test('that a crash left behind are swept', async () => {
    const runId = await tracking.run()
    await store(runId, 'a', 'orphan')
    await store(runId, 'b', 'in use')
    await tracking.db.run(sql`delete from tracking_artifact where run_id = ${runId} and path = 'a'`)
    await artifacts.sweep()
    expect([await kept('orphan'), await kept('in use')]).toEqual([false, true])
  })

  test('survive uploads and deletions of the same bytes at the same time', async () => {
    const runId = await tracking.run()
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const path = `f${i}`
        await store(runId, path, 'contested').catch(() => undefined)
        if (i % 3 > 0) await artifacts.delete(runId, path).catch(() => undefined)
        return path
      }),
    )
    const left = await artifacts.list(runId)
    expect(left.every(({ path }) => outcomes.includes(path))).toBe(true)
    expect(await kept('contested')).toBe(left.length > 0)
    await artifacts.deleteRun(runId)
    expect(await kept('contested')).toBe(false)
  })

  test('of a run that is gone meanwhile are not kept', async () => {
    await expect(store(999_999, 'a', 'too late')).rejects.toHaveProperty('name', 'ConflictError')
    expect(await kept('too late')).toBe(false)
  })

  test('beyond the limit are refused', async () => {
    const runId = await tracking.run()
    await expect(store(runId, 'a', 'x'.repeat(101))).rejects.toThrow('More than 100 bytes')
    expect(await artifacts.list(runId)).toEqual([])
  })
})
