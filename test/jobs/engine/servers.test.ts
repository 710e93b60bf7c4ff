/** Many workers at once, on one server and on several that share a database. */
import { expect, test } from 'bun:test'
import { sql } from '../../../src/storage/sql.ts'
import type { Database } from '../../../src/storage/database.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { createPostgres } from '../../storage/postgres-server.ts'
import { type FakeNode, type Lab, openLab, openTestDatabase, plan, until } from './fixture.ts'

const jobCount = 200

/** Works jobs off until none is left; answers what it was given. */
const workOff = async (node: FakeNode, isDone: () => boolean, note: (job: string) => void) => {
  while (!isDone()) {
    for (const work of (await node.sync()).work) {
      note(work.job)
      if ((await node.start(work)).status !== 200) continue
      await node.finish(work)
    }
    await Bun.sleep(0)
  }
}

const drained = async (db: Database, labs: readonly Lab[]): Promise<void> => {
  await Promise.all(
    Array.from({ length: jobCount }, (_, n) => labs[n % labs.length]!.submit({ plan: plan() })),
  )
  const given: string[] = []
  const nodes = await Promise.all(
    Array.from({ length: 8 }, (_, n) => labs[n % labs.length]!.node(`worker-${n}`)),
  )
  const isDone = () => given.length >= jobCount
  // Passes of the queue of the other server see what this one added when they look.
  const ticking = (async () => {
    while (!isDone()) {
      for (const { clock } of labs) clock.advance(250)
      await Bun.sleep(5)
    }
  })()
  await Promise.all(nodes.map((node) => workOff(node, isDone, (job) => given.push(job))))
  await ticking
  expect({ given: given.length, jobs: new Set(given).size }).toEqual({
    given: jobCount,
    jobs: jobCount,
  })
  await until(async () => {
    const rows = await db.rows(sql`select 1 from jobs_job where state <> 'succeeded'`)
    return rows.length === 0
  })
  const [row] = await db.rows(sql`select count(*) as n, max(attempt) as most from jobs_job`)
  expect(row).toEqual({ n: jobCount, most: 1 })
}

test.each(['sqlite', 'postgres'] as const)(
  'eight workers take every job once on %s',
  async (dialect) => {
    const { db, drop } = await openTestDatabase(dialect)
    const lab = await openLab(db)
    await drained(db, [lab])
    await lab[Symbol.asyncDispose]()
    await drop()
  },
  30_000,
)

test('eight workers on two servers of one database take every job once', async () => {
  const { url, drop } = await createPostgres()
  const [a, b] = await Promise.all([open(url), open(url)])
  const labs = [await openLab(a), await openLab(b)]
  await drained(a, labs)
  for (const lab of labs) await lab[Symbol.asyncDispose]()
  await Promise.all([a.close(), b.close()])
  await drop()
}, 30_000)

const open = (databaseUrl: string) => openDatabase({ dataDir: ':memory:', databaseUrl })

test('what one server is told reaches the node that waits at another', async () => {
  const { url, drop } = await createPostgres()
  const [a, b] = await Promise.all([open(url), open(url)])
  const [here, there] = [await openLab(a), await openLab(b)]
  const node = await here.node()
  const poll = node.work()
  let works: { job: string; attempt: number }[] = []
  void poll.then((work) => {
    works = work
  })
  const job = await there.submit()
  await until(async () => {
    here.clock.advance(250)
    await Bun.sleep(2)
    return works.length > 0
  })
  expect(works).toMatchObject([{ job: job.id, attempt: 1 }])
  node.hold(works[0]!)
  await node.start(works[0]!)
  await node.sync()
  const waiting = node.sync(25_000)
  await there.send('POST', `/api/jobs/${job.id}/cancel`)
  let want: unknown[] = []
  void waiting.then((reply) => {
    want = reply.want
  })
  const beganMs = here.clock.now()
  // Slowly: the database answers in real time, also on a busy machine.
  await until(async () => {
    here.clock.advance(50)
    await Bun.sleep(5)
    return want.length > 0
  })
  expect(here.clock.now() - beganMs).toBeLessThan(20_000)
  expect(want).toEqual([{ job: job.id, attempt: 1, desired: 'cancel' }])
  // The attempt ends at the other server as well as at this one.
  expect((await node.at(there).finish(works[0]!, { reason: 'cancelled' })).status).toBe(200)
  expect((await here.job(job.id)).state).toBe('cancelled')
  for (const lab of [here, there]) await lab[Symbol.asyncDispose]()
  await Promise.all([a.close(), b.close()])
  await drop()
}, 30_000)
