/** Inputs and artifacts move by digest: resumable, verified, and only to those who may. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { artifactPath } from '../../../src/jobs/artifacts-path.ts'
import type { Artifact } from '../../../src/jobs/protocol.ts'
import { sql } from '../../../src/sdk.ts'
import {
  type Bench,
  dialects,
  eventually,
  finishOf,
  openBench,
  openServer,
  sha256,
} from './fixture.ts'

describe('names of artifacts', () => {
  test.each([
    ['a.txt', 'a.txt'],
    ['out/ü.bin', 'out/ü.bin'],
    ['out/u\u0308.bin', 'out/ü.bin'],
    ['...', '...'],
    ['', null],
    ['/etc/passwd', null],
    ['../a', null],
    ['a/../b', null],
    ['a/./b', null],
    ['a//b', null],
    ['a/', null],
    ['a\\b', null],
    ['a\nb', null],
    ['a\u2028b', null],
    ['a\ud800', null],
    ['x'.repeat(1025), null],
  ])('%j', (given, kept) => {
    expect(artifactPath(given)).toBe(kept)
  })
})

describe.each(dialects)('content on %s', (dialect) => {
  let bench: Bench
  beforeAll(async () => {
    bench = await openBench(dialect)
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  type Send = (path: string, init?: RequestInit) => Promise<Response>
  const status = async (send: Send, path: string, init?: RequestInit) => {
    const reply = await send(path, init)
    const text = await reply.text()
    const size = text.startsWith('{') ? (JSON.parse(text) as { size?: number }).size : undefined
    return [reply.status, size]
  }
  const put = (body: string): RequestInit => ({ method: 'PUT', body })
  const commit = (size: number): RequestInit => ({
    method: 'POST',
    body: JSON.stringify({ size }),
    headers: { 'content-type': 'application/json' },
  })
  const upload = async (send: Send, kind: 'uploads' | 'blobs', content: string) => {
    const path = `/api/${kind}/${sha256(content)}`
    if (content !== '') await send(path, put(content))
    expect(await status(send, `${path}/commit`, commit(content.length))).toEqual([
      200,
      content.length,
    ])
    return sha256(content)
  }
  const finishWith = (files: readonly Artifact[]) => ({ ...finishOf(''), artifacts: [...files] })

  test.each(['uploads', 'blobs'] as const)('/api/%s: in parts, verified', async (kind) => {
    const send: Send = kind === 'uploads' ? bench.server.fetch : bench.node
    bench.add()
    const content = `content of ${kind}`
    const { length } = content
    const path = `/api/${kind}/${sha256(content)}`
    expect([
      (await send(path, { method: 'HEAD' })).headers.get('x-upload-offset'),
      await status(send, path, put(content.slice(0, 5))),
      await status(send, path, put(content)),
      await status(send, `${path}?offset=9`, put('x')),
      (await send(path, { method: 'HEAD' })).headers.get('x-upload-offset'),
      await status(send, `${path}/commit`, commit(length)),
      await status(send, `${path}?offset=5`, put(content.slice(5))),
      await status(send, `${path}/commit`, commit(length)),
      await status(send, `${path}/commit`, commit(length)),
      (await send(path, { method: 'HEAD' })).status,
      await status(send, path, put(content)),
    ]).toEqual([
      '0',
      [200, 5],
      [416, 5],
      [416, 5],
      '5',
      [416, 5],
      [200, length],
      [200, length],
      [200, length],
      200,
      [200, length],
    ])
  })

  test('other bytes than announced are refused, and sent anew', async () => {
    const path = `/api/uploads/${sha256('right')}`
    const { fetch } = bench.server
    await fetch(path, put('wrong'))
    expect(await status(fetch, `${path}/commit`, commit(5))).toEqual([412, undefined])
    expect(await status(fetch, path, put('right'))).toEqual([200, 5])
    expect(await status(fetch, `${path}/commit`, commit(5))).toEqual([200, 5])
    expect(await status(fetch, '/api/uploads/XYZ', put('right'))).toEqual([422, undefined])
  })

  test('an empty file', async () => {
    await upload(bench.server.fetch, 'uploads', '')
  })

  test('knowing a digest opens nothing', async () => {
    const ada = await bench.server.as('ada')
    const eve = await bench.server.as('eve')
    const digest = await upload(ada.fetch, 'uploads', `secret of ada on ${dialect}`)
    const plan = {
      command: ['cat', 'a'],
      files: [{ path: 'a', sha256: digest, sizeBytes: 22 }],
    }
    const use = (who: { who: { id: number } }) =>
      bench.server.db.transaction((tx) => bench.streams.useInputs(tx, 'jx', who.who.id, plan))
    expect((await eve.fetch(`/api/uploads/${digest}`)).status).toBe(404)
    expect((await bench.node(`/api/blobs/${digest}`)).status).toBe(404)
    expect(await use(eve).then(String, String)).toContain(digest)
    await use(ada)
    // A node that runs no job which names it learns nothing either.
    expect((await bench.node(`/api/blobs/${digest}`)).status).toBe(404)
  })

  test('nodes read the inputs of their jobs, from any byte on', async () => {
    const digest = await upload(bench.server.fetch, 'uploads', 'an input')
    const files = [{ path: 'a', sha256: digest, sizeBytes: 8 }]
    const job = bench.add({ plan: { command: ['cat'], files } })
    await bench.server.db.transaction((tx) => bench.streams.useInputs(tx, job.id, 0, job.plan))
    const whole = await bench.node(`/api/blobs/${digest}`)
    const rest = await bench.server.fetch(`/api/blobs/${digest}`, {
      headers: { authorization: 'Bearer hnode_test', range: 'bytes=3-' },
    })
    expect([await whole.text(), rest.status, await rest.text()]).toEqual(['an input', 206, 'input'])
    expect((await bench.server.fetch(`/api/blobs/${digest}`)).status).toBe(401)
    bench.change(job.id, { node: null })
    expect((await bench.node(`/api/blobs/${digest}`)).status).toBe(404)
  })

  test('artifacts: asked for, named, listed, downloaded, zipped', async () => {
    const job = bench.add()
    const content = `model of ${dialect}`
    const file = (path: string, kind: Artifact['kind'] = 'artifact'): Artifact => ({
      path,
      sha256: sha256(content),
      sizeBytes: content.length,
      kind,
    })
    const files = [file('out/model.bin'), file('../escape'), file('ckpt/9.pt', 'checkpoint')]
    expect(await bench.streams.check(job, 1, finishWith(files))).toEqual({
      ok: false,
      status: 424,
      missing: [sha256(content)],
    })
    await upload(bench.node, 'blobs', content)
    expect(await bench.streams.check(job, 1, finishWith(files))).toEqual({ ok: true })
    await bench.server.db.transaction((tx) => bench.streams.keepArtifacts(tx, job, 1, files))
    const base = `/api/jobs/${job.id}/artifacts`
    const list = (await (await bench.server.fetch(base)).json()) as { path: string; kind: string }[]
    expect(list.map(({ path, kind }) => [path, kind])).toEqual([
      ['ckpt/9.pt', 'checkpoint'],
      ['out/model.bin', 'artifact'],
    ])
    const got = await bench.server.fetch(`${base}/out/model.bin`, {
      headers: { range: 'bytes=0-4' },
    })
    expect([got.status, await got.text(), got.headers.get('content-disposition')]).toEqual([
      206,
      'model',
      'attachment; filename="model.bin"; filename*=UTF-8\'\'model.bin',
    ])
    for (const path of ['out/none', '..%2Fescape', '%ff']) {
      expect((await bench.server.fetch(`${base}/${path}`)).status).toBe(404)
    }
    const zip = Buffer.from(await (await bench.server.fetch(`${base}.zip`)).arrayBuffer())
    expect([zip.subarray(0, 2).toString(), zip.includes(content)]).toEqual(['PK', true])
    expect(await bench.streams.lastCheckpoint(job.id)).toEqual({
      path: 'ckpt/9.pt',
      sha256: sha256(content),
      sizeBytes: content.length,
    })
  })

  test('a checkpoint is kept before the attempt ends', async () => {
    const job = bench.add()
    const digest = await upload(bench.node, 'blobs', `checkpoint ${dialect}`)
    const artifacts = [{ path: 'c.pt', sha256: digest, sizeBytes: 17, kind: 'checkpoint' }]
    const name = (files: object[]) =>
      bench.server.fetch(`/api/attempts/${job.id}/1/artifacts`, {
        method: 'POST',
        body: JSON.stringify({ artifacts: files }),
        headers: { 'content-type': 'application/json', authorization: 'Bearer hnode_test' },
      })
    expect((await name(artifacts)).status).toBe(200)
    expect((await bench.streams.lastCheckpoint(job.id))?.path).toBe('c.pt')
    const missing = await name([{ ...artifacts[0], sha256: sha256('other') }])
    expect([missing.status, await missing.json()]).toEqual([424, { missing: [sha256('other')] }])
  })

  test('what nothing names any more is deleted after a day', async () => {
    const { clock, db, fetch } = bench.server
    const [unused, used] = [`unused ${dialect}`, `used ${dialect}`]
    const digests = [
      await upload(fetch, 'uploads', unused),
      await upload(fetch, 'uploads', used),
    ] as const
    const files = [{ path: 'a', sha256: digests[1], sizeBytes: used.length }]
    const plan = { command: ['cat'], files }
    await db.transaction((tx) => bench.streams.useInputs(tx, 'jkept', 0, plan))
    const heads = () =>
      Promise.all(digests.map(async (digest) => (await fetch(`/api/uploads/${digest}`)).status))
    clock.advance(23 * 3_600_000)
    expect(await heads()).toEqual([200, 200])
    clock.advance(26 * 3_600_000)
    const left = async () => {
      const rows = await db.rows<{ sha256: string }>(sql`select sha256 from jobs_blob`)
      return rows.map((row) => row.sha256)
    }
    while ((await left()).includes(digests[0])) await new Promise((r) => setImmediate(r))
    expect(await left()).toContain(digests[1])
    expect(await heads()).toEqual([404, 200])
  })
})

test('an upload beyond what its owner may have is refused', async () => {
  await using bench = await openBench('sqlite', { quotaBytes: 4 })
  const reply = await bench.server.fetch(`/api/uploads/${sha256('12345')}`, {
    method: 'PUT',
    body: '12345',
  })
  expect(reply.status).toBe(413)
})

test('a connection that stalls gives way to a newer one', async () => {
  await using server = await openServer()
  const url = `${server.url}/api/uploads/${sha256('first second')}`
  let hold = (): void => undefined
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode('first '))
      await new Promise<void>((resolve) => {
        hold = resolve
      })
      controller.close()
    },
  })
  const stalled = fetch(url, { method: 'PUT', body }).then(
    ({ status }) => status,
    () => 'cut',
  )
  await eventually(async () => {
    const { headers } = await fetch(url, { method: 'HEAD' })
    return headers.get('x-upload-offset') === '6' ? true : null
  })
  const second = await fetch(`${url}?offset=6`, { method: 'PUT', body: 'second' })
  expect([second.status, await second.json()]).toEqual([200, { size: 12 }])
  hold()
  expect(await stalled).not.toBe(200)
})
