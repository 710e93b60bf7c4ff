/** Two servers on one PostgreSQL: what one learns, the other honours in time. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openDatabase } from '../../../src/storage/open.ts'
import { fakeClock } from '../../../src/testing.ts'
import { createPostgres } from '../../storage/postgres-server.ts'
import { openTracking, type TrackingUnderTest } from './fixture.ts'

const minuteMs = 60_000

/** Both servers live by the same time. */
const clock = fakeClock()
let one: TrackingUnderTest
let two: TrackingUnderTest
let close: () => Promise<void>

beforeAll(async () => {
  const { url, drop } = await createPostgres()
  const databases = await Promise.all(
    [1, 2].map(() => openDatabase({ dataDir: ':memory:', databaseUrl: url })),
  )
  one = await openTracking({ db: databases[0]!, clock })
  two = await openTracking({ db: databases[1]!, clock })
  close = async () => {
    await one.stop()
    await two.stop()
    for (const db of databases) await db.close()
    await drop()
  }
})
afterAll(() => close())

test('a project made private is closed to others on every server within two seconds', async () => {
  const project = await one.project({ is_public: true })
  const run = await one.run({}, project)
  const statuses = async () => [
    (await one.bob('GET', `/metrics/${run}`)).status,
    (await two.bob('GET', `/metrics/${run}`)).status,
  ]
  expect(await statuses()).toEqual([200, 200])
  await one.ann('PUT', `/projects/${project}`, { is_public: false })
  clock.advance(2000)
  expect(await statuses()).toEqual([404, 404])
})

test('a run that speaks to one server is alive on the other', async () => {
  const run = await one.run()
  const statusOn = async (server: TrackingUnderTest): Promise<unknown> =>
    (await server.ann('GET', `/runs/${run}`)).body['status']
  clock.advance(5 * minuteMs + 1)
  expect([await statusOn(one), await statusOn(two)]).toEqual(['crashed', 'crashed'])
  await one.ann('POST', `/runs/${run}/heartbeat`)
  expect(await statusOn(one)).toBe('running')
  clock.advance(5000)
  while ((await statusOn(two)) !== 'running') await new Promise(setImmediate)
})

test('points and lines of both servers are one history', async () => {
  const run = await one.run()
  const servers = [one, two, one, two]
  await Promise.all(
    servers.map((server, step) =>
      server.ann('POST', `/metrics/${run}/batch`, { metrics: { loss: step }, step }),
    ),
  )
  await Promise.all(
    servers.map((server, i) =>
      server.ann('POST', `/runs/${run}/console`, { stream: 'stdout', text: String(i) }),
    ),
  )
  const read = async (server: TrackingUnderTest) => {
    const history = (await server.ann('GET', `/metrics/${run}/history/loss`)).body
    const { lines } = (await server.ann('GET', `/runs/${run}/console`)).body
    return { history, ids: (lines as unknown as { id: number }[]).map(({ id }) => id) }
  }
  const seen = await read(one)
  expect(await read(two)).toEqual(seen)
  expect((seen.history['steps'] as unknown as number[]).toSorted()).toEqual([0, 1, 2, 3])
  expect(seen.ids).toEqual([1, 2, 3, 4])
})

test('one batch id sent to both servers at once is stored once', async () => {
  const run = await one.run()
  const body = { metrics: { loss: 1 }, batch_id: 'w:1' }
  const replies = await Promise.all(
    [one, two, one, two].map((server) => server.ann('POST', `/metrics/${run}/batch`, body)),
  )
  const [first] = replies
  expect(replies.map(({ status, body }) => ({ status, id: body['first_id'] }))).toEqual(
    replies.map(() => ({ status: 200, id: first!.body['first_id'] })),
  )
  expect((await two.ann('GET', `/metrics/${run}`)).body).toHaveLength(1)
})
