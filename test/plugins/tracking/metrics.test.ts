/** What is logged is what is read: names, numbers, times, repeats, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { databases, openTrackingOn, type TrackingUnderTest } from './fixture.ts'

const now = '2026-01-01T00:00:00'

describe.each(databases)('on %s', (database) => {
  let server: TrackingUnderTest
  beforeAll(async () => {
    server = await openTrackingOn(database)
  })
  afterAll(() => server.stop())

  const names = [
    'train/loss',
    'a/b/c',
    '__proto__',
    'constructor',
    'toString',
    'größe %',
    'a?b#c+d',
  ]

  test.each(names)('the name %p is one like any other', async (name) => {
    const run = await server.run()
    await server.ann('POST', `/metrics/${run}`, `{"name":${JSON.stringify(name)},"value":1}`)
    const batch = `{"metrics":{${JSON.stringify(name)}:2},"step":1}`
    expect((await server.ann('POST', `/metrics/${run}/batch`, batch)).body).toMatchObject({
      message: 'Logged 1 metrics successfully',
    } as never)
    const encoded = encodeURIComponent(name)
    for (const slash of ['', '/']) {
      const history = await server.ann('GET', `/metrics/${run}/history/${encoded}${slash}`)
      expect(history.body).toMatchObject({ name, values: [1, 2], steps: [0, 1] } as never)
    }
    const listed = await server.ann('GET', `/metrics/${run}?metric_name=${encoded}`)
    expect(listed.body).toMatchObject([
      { name, value: 1 },
      { name, value: 2 },
    ] as never)
    const summary = await server.ann('GET', `/metrics/${run}/summary?names=${encoded}`)
    expect(summary.body).toMatchObject([{ name, total_points: 2 }] as never)
    const chart = await server.ann('GET', `/metrics/${run}/chart?names=${encoded}`)
    expect(chart.body).toMatchObject([{ name, steps: [0, 1] }] as never)
  })

  test('raw slashes reach the history, and other routes win over it', async () => {
    const run = await server.run()
    const metrics = { 'train/loss': 1, summary: 2, 'history/x': 3, 'x/': 4, x: 5 }
    await server.ann('POST', `/metrics/${run}/batch`, { metrics })
    const valueAt = async (path: string) =>
      ((await server.ann('GET', `/metrics/${run}/history/${path}`)).body as { values?: unknown })
        .values as unknown
    expect(await valueAt('train/loss')).toEqual([1])
    expect(await valueAt('train%2Floss')).toEqual([1])
    expect(await valueAt('summary')).toEqual([2])
    expect(await valueAt('history/x')).toEqual([3])
    expect(await valueAt('x/')).toEqual([4])
    expect(await valueAt('x')).toEqual([5])
    expect((await server.ann('GET', `/metrics/${run}/summary`)).body).toHaveLength(5)
  })

  test('NaN and the infinities, bare or as words, are kept and answered as words', async () => {
    const run = await server.run()
    await server.ann('POST', `/metrics/${run}`, '{"name":"loss","value":NaN,"step":1}')
    await server.ann('POST', `/metrics/${run}`, '{"name":"loss","value":"Infinity","step":2}')
    await server.ann('POST', `/metrics/${run}/batch`, '{"metrics":{"loss":-Infinity},"step":3}')
    const columns = '{"series":[{"name":"loss","values":[0.1,NaN,"NaN"],"steps":[4,5,6]}]}'
    await server.ann('POST', `/metrics/${run}/batch`, columns)
    const values = ['NaN', 'Infinity', '-Infinity', 0.1, 'NaN', 'NaN']
    const history = await server.ann('GET', `/metrics/${run}/history/loss`)
    expect(history.body).toMatchObject({ values, steps: [1, 2, 3, 4, 5, 6] } as never)
    const list = await server.ann('GET', `/metrics/${run}`)
    expect((list.body as unknown as { value: unknown }[]).map(({ value }) => value)).toEqual(values)
    const [summary] = (await server.ann('GET', `/metrics/${run}/summary`))
      .body as unknown as object[]
    expect(summary).toEqual({
      name: 'loss',
      current_value: 'NaN',
      min_value: 0.1,
      max_value: 0.1,
      mean_value: 0.1,
      total_points: 6,
      non_finite: 5,
      last_step: 6,
      last_timestamp: now,
    })
  })

  test('a series without a finite value has no minimum', async () => {
    const run = await server.run()
    await server.ann('POST', `/metrics/${run}`, '{"name":"loss","value":NaN}')
    expect((await server.ann('GET', `/metrics/${run}/summary`)).body).toMatchObject([
      { min_value: null, max_value: null, mean_value: null, total_points: 1 },
    ] as never)
  })

  test('timestamps are honoured, ordered by, and mean UTC', async () => {
    const run = await server.run()
    for (const [value, timestamp] of [
      [3, '2023-01-01T00:00:02'],
      [1, '2023-01-01T01:00:00+01:00'],
      [2, '2023-01-01T00:00:00.000001Z'],
    ]) {
      await server.ann('POST', `/metrics/${run}`, { name: 'loss', value, timestamp })
    }
    const history = await server.ann('GET', `/metrics/${run}/history/loss`)
    expect(history.body).toMatchObject({
      values: [1, 2, 3],
      timestamps: ['2023-01-01T00:00:00', '2023-01-01T00:00:00.000001', '2023-01-01T00:00:02'],
    } as never)
  })

  test('a batch id is stored once, whatever it holds the second time', async () => {
    const run = await server.run()
    const send = (metrics: object) =>
      server.ann('POST', `/metrics/${run}/batch`, { metrics, batch_id: 'writer:1' })
    const first = (await send({ loss: 1, acc: 2 })).body
    expect(first).toMatchObject({ stored: 2, repeated: 0 } as never)
    const again = await Promise.all([send({ loss: 1, acc: 2 }), send({ loss: 9 })])
    for (const { status, body } of again) {
      expect({ status, first_id: body['first_id'] }).toEqual({
        status: 200,
        first_id: first['first_id'],
      })
    }
    expect((await server.ann('GET', `/metrics/${run}`)).body).toHaveLength(2)
    const other = await server.run()
    await server.ann('POST', `/metrics/${other}/batch`, { metrics: { a: 1 }, batch_id: 'writer:1' })
    expect((await server.ann('GET', `/metrics/${other}`)).body).toHaveLength(1)
  })

  test('a point with a time is a no-op the second time, and answered as the first', async () => {
    const run = await server.run()
    const point = '{"name":"loss","value":NaN,"step":1,"timestamp":"2023-01-01T00:00:00"}'
    const first = await server.ann('POST', `/metrics/${run}`, point)
    await server.ann('POST', `/metrics/${run}`, { name: 'loss', value: 5, step: 2 })
    const second = await server.ann('POST', `/metrics/${run}`, point)
    expect(second.body).toEqual(first.body)
    expect((await server.ann('GET', `/metrics/${run}`)).body).toHaveLength(2)
  })

  test('columns with times arrive exactly, out of order steps included', async () => {
    const run = await server.run()
    const times = [1_700_000_000_000_001, 1_700_000_000_000_003, 1_700_000_000_000_002]
    const series = [
      { name: 'a', values: [1e-300, 2, 3], steps: [5, -9007199254740991, 7], times },
      { name: 'b', values: [4] },
    ]
    const reply = await server.ann('POST', `/metrics/${run}/batch`, { series })
    expect(reply.body).toMatchObject({
      message: 'Logged 4 metrics successfully',
      stored: 4,
      repeated: 0,
    } as never)
    const first = reply.body['first_id'] as unknown as number
    expect((await server.ann('GET', `/metrics/${run}/history/a`)).body).toEqual({
      name: 'a',
      values: [1e-300, 3, 2],
      steps: [5, 7, -9007199254740991],
      timestamps: [
        '2023-11-14T22:13:20.000001',
        '2023-11-14T22:13:20.000002',
        '2023-11-14T22:13:20.000003',
      ],
      ids: [first, first + 2, first + 1],
    } as never)
  })

  test('a long history comes in pieces and whole', async () => {
    const run = await server.run()
    const count = 60_000
    const values = Array.from({ length: count }, (_, i) => Math.sin(i))
    const steps = values.map((_, i) => i)
    await server.ann('POST', `/metrics/${run}/batch`, { series: [{ name: 'a', values, steps }] })
    const { body } = await server.ann('GET', `/metrics/${run}/history/a`)
    expect(body).toMatchObject({ name: 'a', values, steps } as never)
    expect(body['ids']).toHaveLength(count)
    expect(body['timestamps']).toHaveLength(count)
    const page = await server.ann('GET', `/metrics/${run}?skip=${count - 1}&limit=10000`)
    expect(page.body).toMatchObject([{ value: values.at(-1), step: count - 1 }] as never)
  })
})

describe('bodies', () => {
  let server: TrackingUnderTest
  let run: number
  beforeAll(async () => {
    server = await openTrackingOn('SQLite')
    run = await server.run()
  })
  afterAll(() => server.stop())

  const body = new TextEncoder().encode('{"metrics":{"loss":NaN}}')
  const big = new Uint8Array(17 * 1024 * 1024).fill(0x20)

  test.each([
    ['gzip', Bun.gzipSync(body), 'gzip', 200],
    ['GZIP in capitals', Bun.gzipSync(body), 'GZIP', 200],
    ['identity', body, 'identity', 200],
    ['broken gzip', Bun.gzipSync(body).subarray(0, 20), 'gzip', 400],
    ['no gzip at all', body, 'gzip', 400],
    ['an unknown encoding', body, 'br', 415],
    ['a bomb', Bun.gzipSync(big), 'gzip', 413],
  ])('%s', async (_name, bytes, encoding, status) => {
    const headers = { 'content-encoding': encoding }
    const reply = await server.ann('POST', `/metrics/${run}/batch`, bytes, headers)
    expect([reply.status, typeof reply.body['detail']]).toEqual([
      status,
      status === 200 ? 'undefined' : 'string',
    ])
  })

  test('a body over 16 MiB is refused', async () => {
    expect((await server.ann('POST', `/metrics/${run}/batch`, big)).status).toBe(413)
  })

  test('ten thousand names in one batch', async () => {
    const metrics = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`m${i}`, i]))
    const reply = await server.ann('POST', `/metrics/${run}/batch`, { metrics })
    expect(reply.body).toMatchObject({ message: 'Logged 10000 metrics successfully' } as never)
    const path = `/metrics/${run}/names?prefix=m99&search=9&skip=1&limit=2`
    expect((await server.ann('GET', path)).body).toEqual({
      names: ['m990', 'm9900'],
      total: 111,
    } as never)
  })
})
