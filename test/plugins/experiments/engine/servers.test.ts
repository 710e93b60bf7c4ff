/** Two servers on one database: an experiment is conducted by one of them, and never by both. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import { type HearthError, sql } from '../../../../src/sdk.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { createPostgres } from '../../../storage/postgres-server.ts'
import { around } from './around.ts'
import { drawing, type Lab, migrated, openLab } from './lab.ts'
import { asItSays, held, ScriptedJobs } from './scripted-jobs.ts'

let postgres: Awaited<ReturnType<typeof createPostgres>>
beforeAll(async () => {
  postgres = await createPostgres()
  const db = await migrated(await open())
  await db.close()
})
afterAll(() => postgres?.drop())

const open = () => openDatabase({ dataDir: ':memory:', databaseUrl: postgres.url })

interface Pair extends AsyncDisposable {
  readonly here: Lab
  readonly there: Lab
  readonly jobs: ScriptedJobs
  /** Time goes by at both, or at one of them, until it is so. */
  until(isSo: () => Promise<boolean> | boolean, labs?: readonly Lab[]): Promise<void>
}

const openPair = async (): Promise<Pair> => {
  let calls = 0
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    calls += 1
    try {
      return await work()
    } finally {
      calls -= 1
    }
  }
  const [a, b] = (await Promise.all([open(), open()])).map((db) => around(db, counted))
  const jobs = new ScriptedJobs()
  const blobs = memoryBlobs()
  const here = await openLab({ db: a!, jobs, blobs })
  const there = await openLab({ db: b!, jobs, blobs })
  await here.engine.start()
  await there.engine.start()
  return {
    ...{ here, there, jobs },
    async until(isSo, labs = [here, there]) {
      while (!(await isSo())) {
        // No time goes by while the database is at work: it would outlast every lease.
        if (calls === 0) for (const { clock } of labs) clock.advance(500)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([here.engine.stop(), there.engine.stop()])
      await Promise.all([a!.close(), b!.close()])
    },
  }
}

/** While `work` is done, time goes by. */
const meanwhile = async <T>(pair: Pair, work: Promise<T>): Promise<T> => {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  await pair.until(() => isDone)
  return done
}

const attempts = ({ jobs }: Pair, id: string): string[] =>
  [...jobs.all.values()]
    .filter(({ request }) => request.experimentId === id)
    .map(({ request }) => request.attempt)

test('what users do at the other server reaches the one that conducts', async () => {
  await using pair = await openPair()
  const { here, there, jobs, until } = pair
  jobs.outcome = held
  const id = await here.add({ steps: 2, settings: { reruns: 0 } })
  await here.engine.begin(id)
  await until(() => jobs.running(id).length === 1)
  const refused = await there.engine.begin(id).catch((error: HearthError) => error.message)
  expect(refused).toBe('The experiment is already running')
  await there.steer(id, steering.extend(1))
  jobs.outcome = asItSays
  for (const job of jobs.running(id)) job.end()
  await until(async () => (await there.get(id)).status === 'completed')
  expect((await there.store.load(id)).nodes).toHaveLength(3)
  expect(attempts(pair, id)).toEqual(['node_1', 'node_2', 'node_3'])
}, 15_000)

test('a stop at the other server ends it here, and is answered when nothing runs', async () => {
  await using pair = await openPair()
  const { here, there, jobs, until } = pair
  jobs.outcome = held
  const id = await here.add({ settings: { workers: 2 } })
  await here.engine.begin(id)
  await until(() => jobs.running(id).length === 2)
  await meanwhile(pair, there.engine.end(id))
  expect([jobs.running(id), (await here.get(id)).status]).toEqual([[], 'stopped'])
  jobs.outcome = asItSays
  await there.engine.begin(id)
  await until(async () => (await there.get(id)).status === 'completed')
  const { nodes } = await there.store.load(id)
  expect(nodes.map(({ state }) => state)).toEqual(Array(5).fill('finished'))
}, 15_000)

test('a deletion at the other server ends it here', async () => {
  await using pair = await openPair()
  const { here, there, jobs, until } = pair
  jobs.outcome = held
  const id = await here.add()
  await here.engine.begin(id)
  await until(() => jobs.running(id).length === 1)
  await meanwhile(pair, there.remove(id))
  expect(jobs.running(id)).toEqual([])
  expect(await here.get(id).catch(({ code }: HearthError) => code)).toBe('not_found')
}, 15_000)

test('a server that hung ends what was deleted meanwhile', async () => {
  await using pair = await openPair()
  const { here, there, jobs, until } = pair
  jobs.outcome = held
  const id = await here.add()
  await here.engine.begin(id)
  await until(() => jobs.running(id).length === 1)
  let isGone = false
  void there.remove(id).then(() => (isGone = true))
  await until(() => isGone, [there])
  expect(jobs.running(id)).toHaveLength(1)
  await until(() => jobs.running(id).length === 0)
}, 15_000)

test('what a dead server conducted goes on at the other, once its lease ran out', async () => {
  await using pair = await openPair()
  const { here, there, jobs, until } = pair
  jobs.outcome = held
  const id = await here.add({ steps: 4, settings: { reruns: 0, workers: 2 } })
  await here.engine.begin(id)
  await until(() => jobs.running(id).length === 2)
  // Time stands still at a server that hangs: it neither renews its lease nor looks.
  const holder = async (): Promise<string | undefined> => {
    const [row] = await there.db.rows<{ holder: string }>(sql`
      select holder from experiments_lease where experiment_id = ${id}`)
    return row?.holder
  }
  const first = await holder()
  await until(async () => (await holder()) !== first, [there])
  jobs.outcome = asItSays
  // Both hear of it: the one that woke up finds that it may not write any more.
  for (const job of jobs.running(id)) job.end()
  await until(async () => (await there.get(id)).status === 'completed', [there])
  const { nodes, version } = await there.store.load(id)
  expect(nodes.map(({ state, requeues }) => [state, requeues])).toEqual(
    Array(4).fill(['finished', 0]),
  )
  await here.engine.stop()
  expect((await there.store.load(id)).version).toBe(version)
  expect(attempts(pair, id).toSorted()).toEqual(['node_1', 'node_2', 'node_3', 'node_4'])
}, 15_000)

test('a server that is shut down hands its experiments over', async () => {
  await using pair = await openPair()
  const { here, there, jobs, until } = pair
  jobs.outcome = held
  const id = await here.add({ steps: 3, settings: { reruns: 0 } })
  await here.engine.begin(id)
  await until(() => jobs.running(id).length === 1)
  await here.engine.stop()
  jobs.outcome = asItSays
  for (const job of jobs.running(id)) job.end()
  expect(await there.db.rows(sql`select * from experiments_lease`)).toEqual([])
  await until(async () => (await there.get(id)).status === 'completed', [there])
  expect(attempts(pair, id)).toEqual(['node_1', 'node_2', 'node_3'])
}, 15_000)

test('of starts at both servers one counts', async () => {
  await using pair = await openPair()
  const { here, there, until } = pair
  const proposals: number[] = []
  for (const lab of [here, there]) {
    lab.proposer = {
      ...drawing,
      propose(action, context) {
        proposals.push(context.step)
        return drawing.propose(action, context)
      },
    }
  }
  for (let i = 0; i < 5; i++) {
    const id = await here.add({ steps: 3, settings: { reruns: 0, seed: i } })
    proposals.length = 0
    const begun = await Promise.allSettled([here.engine.begin(id), there.engine.begin(id)])
    const codes = begun.map((one) =>
      one.status === 'fulfilled' ? 'begun' : (one.reason as HearthError).code,
    )
    expect(codes.toSorted()).toEqual(['begun', 'conflict'])
    await until(async () => (await here.get(id)).status === 'completed')
    expect(proposals).toEqual([1, 2, 3])
  }
}, 15_000)
