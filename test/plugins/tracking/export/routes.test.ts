/** What leaves a run as a file comes into another one as it was, over the routes. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openTracking, type TrackingUnderTest } from '../fixture.ts'

let app: TrackingUnderTest
let ann: Awaited<ReturnType<TrackingUnderTest['as']>>

beforeAll(async () => {
  app = await openTracking()
  ann = await app.as('ann')
})
afterAll(() => app.stop())

const values = [0.5, 'NaN', 'Infinity', '-Infinity', 1e300]

const filled = async (): Promise<number> => {
  const run = await app.run({ name: 'größe', config: { lr: 0.1 } })
  await app.ann('POST', `/metrics/${run}/batch`, {
    series: ['loss', 'a "b", c'].map((name) => ({
      name,
      values,
      steps: [5, 4, 3, -2, 1],
      times: [0, 1, 2, 3, 4].map((second) => 1_700_000_000_000_001 + second * 1_000_000),
    })),
  })
  return run
}

const exported = async (run: number, format: string): Promise<Uint8Array> => {
  const response = await ann.fetch(`/runs/${run}/export?format=${format}`)
  expect([response.status, response.headers.get('content-disposition')]).toEqual([
    200,
    `attachment; filename="run-${run}.${format}"`,
  ])
  return new Uint8Array(await response.arrayBuffer())
}

const imported = async (
  run: number,
  format: string,
  file: string | Uint8Array<ArrayBuffer>,
  headers = {},
) => {
  const response = await ann.fetch(`/runs/${run}/import?format=${format}`, {
    method: 'POST',
    body: file,
    headers: { 'content-type': 'application/octet-stream', ...headers },
  })
  return { status: response.status, body: (await response.json()) as object }
}

const names = ['a "b", c', 'loss']

test.each(['csv', 'jsonl'])('%s goes round, twice the same, also as gzip', async (format) => {
  const [source, target] = [await filled(), await app.run()]
  const file = (await exported(source, format)) as Uint8Array<ArrayBuffer>
  const whole = { points: 10, names, skipped: 0 }
  expect(await imported(target, format, file)).toEqual({
    status: 200,
    body: { ...whole, repeated: 0 },
  })
  const gzip = { 'content-encoding': 'gzip' }
  expect(await imported(target, format, Bun.gzipSync(file), gzip)).toEqual({
    status: 200,
    body: { ...whole, repeated: 10 },
  })
  for (const name of names) {
    const history = `history/${encodeURIComponent(name)}`
    const [was, is] = await Promise.all(
      [source, target].map(
        async (run) => (await app.ann('GET', `/metrics/${run}/${history}`)).body,
      ),
    )
    const bare = ({ ids, run_id, ...columns }: Record<string, unknown>): object => columns
    expect(bare(is as object as Record<string, unknown>)).toEqual(
      bare(was as object as Record<string, unknown>),
    )
    expect(is).toHaveProperty('values.length', 5)
  }
})

test('a Parquet file begins and ends as one, with the run in its footer', async () => {
  const run = await filled()
  const text = Buffer.from(await exported(run, 'parquet')).toString()
  expect([text.slice(0, 4), text.slice(-4), text.includes('{"lr":0.1}')]).toEqual([
    'PAR1',
    'PAR1',
    true,
  ])
})

test('points before a broken line are kept, and the rest follows when it is mended', async () => {
  const run = await app.run()
  const lines = (broken: string): string => `step,loss\n1,0.5\n${broken},0.25\n3,0.125\n`
  expect(await imported(run, 'csv', lines('two'))).toEqual({
    status: 400,
    body: {
      code: 'bad_request',
      detail: 'The file cannot be read at line 3: the step is missing or not a number',
    },
  })
  expect(await imported(run, 'csv', lines('2'))).toEqual({
    status: 200,
    body: { points: 3, names: ['loss'], repeated: 1, skipped: 0 },
  })
})

test('an import is bounded, inflated or not', async () => {
  await using small = await openTracking({ config: { maxImportBytes: 1000 } })
  const run = await small.run()
  const { fetch } = await small.as('ann')
  const file = `loss\n${'1\n'.repeat(1000)}`
  const send = async (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
  ): Promise<number> =>
    (await fetch(`/runs/${run}/import?format=csv`, { method: 'POST', body, headers })).status
  expect(await send(file, {})).toBe(413)
  expect(await send(Bun.gzipSync(file), { 'content-encoding': 'gzip' })).toBe(413)
  expect(await send('loss\n1\n', { 'content-encoding': 'gzip' })).toBe(400)
  expect(await send('loss\n1\n', { 'content-encoding': 'br' })).toBe(415)
  expect(await send('loss\n1\n', {})).toBe(200)
})

test('metric names are held to the rules of logging', async () => {
  const run = await app.run()
  const { status, body } = await imported(run, 'csv', `step,${'x'.repeat(251)}\n1,2\n`)
  expect([status, body]).toEqual([
    400,
    expect.objectContaining({ detail: expect.stringContaining('must not be longer than 250') }),
  ])
})

test('formats and people are checked', async () => {
  const run = await filled()
  expect((await app.ann('GET', `/runs/${run}/export?format=toString`)).status).toBe(400)
  expect((await imported(run, '__proto__', 'x')).status).toBe(400)
  expect((await imported(run, '', 'x')).status).toBe(400)
  for (const [method, path] of [
    ['GET', `/runs/${run}/export`],
    ['POST', `/runs/${run}/import?format=csv`],
  ] as const) {
    expect((await app.bob(method, path)).status).toBe(404)
    expect((await app.nobody(method, path)).status).toBe(401)
  }
  const { body } = await app.ann('GET', `/runs/${run}`)
  await app.ann('PUT', `/projects/${body['project_id']}`, { is_public: true })
  expect((await app.bob('POST', `/runs/${run}/import?format=csv`)).status).toBe(403)
  const bob = await app.as('bob')
  expect((await bob.fetch(`/runs/${run}/export/`)).status).toBe(200)
})
