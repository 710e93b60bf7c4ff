/** Bytes of attempts arrive once, in order, whatever is repeated, cut or sent out of turn. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Bench, dialects, finishOf, openBench } from './fixture.ts'

describe.each(dialects)('bytes on %s', (dialect) => {
  let bench: Bench
  beforeAll(async () => {
    bench = await openBench(dialect)
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  const put = async (jobId: string, offset: number, bytes: string, stream = 'log') => {
    const path = `/api/attempts/${jobId}/1/${stream}?offset=${offset}`
    const reply = await bench.node(path, { method: 'PUT', body: bytes })
    return [reply.status, ((await reply.json()) as { size?: number }).size]
  }
  const log = async (jobId: string, query = '') => {
    const reply = await bench.server.fetch(`/api/jobs/${jobId}/logs${query}`)
    const { headers } = reply
    return {
      text: await reply.text(),
      offset: headers.get('x-log-offset'),
      size: headers.get('x-log-size'),
      complete: headers.get('x-log-complete'),
    }
  }

  test('overlap is skipped, a gap is answered with the size', async () => {
    const { id } = bench.add()
    expect([
      await put(id, 0, 'hello '),
      await put(id, 0, 'hello '),
      await put(id, 3, 'lo world\n'),
      await put(id, 99, 'lost'),
      await put(id, 15, ''),
    ]).toEqual([
      [200, 6],
      [200, 6],
      [200, 12],
      [416, 12],
      [416, 12],
    ])
    expect(await log(id)).toEqual({
      text: 'hello world\n',
      offset: '0',
      size: '12',
      complete: 'false',
    })
  })

  test('two senders of the same bytes at once leave one copy', async () => {
    const { id } = bench.add()
    const text = Array.from({ length: 5_000 }, (_, line) => `line ${line}\n`).join('')
    const cuts = [0, 1, 1_000, 20_000, 40_000, text.length]
    const send = async () => {
      for (const [at, start] of cuts.slice(0, -1).entries()) {
        await put(id, start, text.slice(start, cuts[at + 1]))
      }
    }
    await Promise.all([send(), send(), send()])
    expect((await log(id)).text).toBe(text)
  })

  test('reads a part, and the last lines', async () => {
    const { id } = bench.add()
    await put(id, 0, 'one\ntwo\nthree\nfour')
    const texts = [
      '?offset=4&limit=3',
      '?offset=99',
      '?tail=2',
      '?tail=0',
      '?tail=99',
      '?attempt=2',
    ]
    expect(await Promise.all(texts.map(async (query) => (await log(id, query)).text))).toEqual([
      'two',
      '',
      'three\nfour',
      '',
      'one\ntwo\nthree\nfour',
      '',
    ])
  })

  test('keeps bytes that are not UTF-8 as they are', async () => {
    const { id } = bench.add()
    const bytes = new Uint8Array([0xff, 0x00, 0xfe, 0x0d, 0x80])
    await bench.node(`/api/attempts/${id}/1/log?offset=0`, { method: 'PUT', body: bytes })
    const reply = await bench.server.fetch(`/api/jobs/${id}/logs`)
    expect(new Uint8Array(await reply.arrayBuffer())).toEqual(bytes)
  })

  test('only the current attempt writes, and only its node', async () => {
    const { id } = bench.add()
    const stale = await bench.node(`/api/attempts/${id}/2/log`, { method: 'PUT', body: 'x' })
    const nobody = await bench.server.fetch(`/api/attempts/${id}/1/log`, {
      method: 'PUT',
      body: 'x',
    })
    const odd = await bench.node(`/api/attempts/${id}/1/log?offset=-1`, {
      method: 'PUT',
      body: 'x',
    })
    expect([stale.status, nobody.status, odd.status]).toEqual([410, 401, 422])
    expect((await log(id)).size).toBe('0')
  })

  test('finish asks for what is missing, and for all that differs', async () => {
    const job = bench.add()
    await put(job.id, 0, 'abc')
    const check = (text: string) => bench.streams.check(job, 1, finishOf(text))
    expect(await check('abcdef')).toEqual({ ok: false, status: 416, log: 3, events: 0 })
    expect(await check('xyz')).toEqual({ ok: false, status: 412, differs: ['log'] })
    expect((await log(job.id)).size).toBe('0')
    expect(await put(job.id, 0, 'xyz')).toEqual([200, 3])
    expect(await check('xyz')).toEqual({ ok: true })
    expect(await check('xyz')).toEqual({ ok: true })
    await put(job.id, 3, '!')
    expect(await check('xyz')).toEqual({ ok: false, status: 412, differs: ['log'] })
  })

  test('nothing is added after the end', async () => {
    const { id } = bench.add()
    await put(id, 0, 'all\n')
    await bench.streams.seal(id, 1)
    expect(await put(id, 4, 'late')).toEqual([416, 4])
    expect(await put(id, 0, 'all\n')).toEqual([200, 4])
    bench.change(id, { state: 'succeeded' })
    expect(await log(id)).toEqual({ text: 'all\n', offset: '0', size: '4', complete: 'true' })
  })

  test('a removed job leaves no bytes', async () => {
    const { id } = bench.add()
    await put(id, 0, 'abc')
    await bench.streams.remove(id)
    expect((await log(id)).size).toBe('0')
  })

  test('many small pieces are read back whole', async () => {
    const { id } = bench.add()
    const lines = Array.from({ length: 300 }, (_, line) => `${line} ${'x'.repeat(line)}\n`)
    let size = 0
    for (const line of lines) {
      await put(id, size, line)
      size += line.length
    }
    const text = lines.join('')
    expect((await log(id)).text).toBe(text)
    expect((await log(id, '?offset=20001&limit=17000')).text).toBe(text.slice(20_001, 37_001))
  })
})

test('a log beyond its limit is refused', async () => {
  await using bench = await openBench('sqlite', { logBytes: 4 })
  const { id } = bench.add()
  const reply = await bench.node(`/api/attempts/${id}/1/log`, { method: 'PUT', body: '12345' })
  expect(reply.status).toBe(413)
})
