/** A server that dies anywhere: the next one goes on, and loses no more than what was in flight. */
import { expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import type { Database } from '../../../../src/sdk.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { around } from './around.ts'
import { drawing, type Lab, migrated, openLab, treeOf } from './lab.ts'
import { ScriptedJobs } from './scripted-jobs.ts'

interface Dying {
  readonly db: Database
  /** Resolves when the server has done all that it ever will. */
  readonly dead: Promise<void>
  /** Transactions so far. */
  count(): number
}

const never = new Promise<never>(() => undefined)

/** Of a process that dies at its n-th transaction: before it, or when it is committed. */
const dying = (db: Database, n: number, isCommitted: boolean): Dying => {
  const { promise: dead, resolve } = Promise.withResolvers<void>()
  let count = 0
  const dies = (): Promise<never> => {
    resolve()
    return never
  }
  const guarded = around(db, async (work, kind) => {
    if (count >= n) return never
    if (kind === 'transaction') count += 1
    if (count < n) return work()
    if (isCommitted) await work()
    return dies()
  })
  return { db: guarded, dead, count: () => count }
}

const steps = 5
const settings = { seed: 11, search: { numDrafts: 2 }, reruns: 0 }

/** Counts what is asked for, and what is asked for in vain. */
const counting = (lab: Lab): { proposals: number } => {
  const count = { proposals: 0 }
  lab.proposer = {
    ...drawing,
    propose(action, context) {
      count.proposals += 1
      return drawing.propose(action, context)
    },
  }
  return count
}

/** Without any crash. */
const whole = async (): Promise<{ journal: Journal; transactions: number }> => {
  const real = await migrated(await openDatabase({ dataDir: ':memory:' }))
  const { db, count } = dying(real, Number.POSITIVE_INFINITY, true)
  await using lab = await openLab({ db })
  const id = await lab.add({ steps, settings })
  await lab.engine.begin(id)
  const journal = await lab.ended(id)
  await lab.engine.stop()
  await real.close()
  return { journal, transactions: count() }
}

test.each([false, true])(
  'one worker grows the same tree (committed: %p)',
  async (isCommitted) => {
    const { journal: uncut, transactions } = await whole()
    const expected = treeOf(uncut)
    // Two transactions make the experiment and start it; after the last one nothing can be lost.
    for (let n = 3; n <= transactions; n++) {
      const real = await migrated(await openDatabase({ dataDir: ':memory:' }))
      const jobs = new ScriptedJobs()
      const { db, dead } = dying(real, n, isCommitted)
      const before = await openLab({ db, jobs })
      const asked = counting(before)
      const id = await before.add({ steps, settings })
      void before.engine.begin(id)
      await dead
      await using after = await openLab({ db: real, jobs, blobs: before.blobs })
      const again = counting(after)
      await after.engine.start()
      const journal = await after.ended(id)
      expect({ n, tree: treeOf(journal) }).toEqual({ n, tree: expected })
      // Every program ran once, and no more than one was written in vain.
      expect([...jobs.all.keys()]).toEqual(expected.map((node) => `${id}/${node.id}`))
      expect(asked.proposals + again.proposals).toBeLessThanOrEqual(steps + 1)
      await after.engine.stop()
      await real.close()
    }
  },
  20_000,
)

test('three workers lose at most what was being written', async () => {
  for (let n = 3; n <= 21; n += 2) {
    const real = await migrated(await openDatabase({ dataDir: ':memory:' }))
    const jobs = new ScriptedJobs()
    const { db, dead } = dying(real, n, true)
    const before = await openLab({ db, jobs })
    const asked = counting(before)
    const id = await before.add({ steps: 8, settings: { ...settings, workers: 3 } })
    void before.engine.begin(id)
    await dead
    await using after = await openLab({ db: real, jobs, blobs: before.blobs })
    const again = counting(after)
    await after.engine.start()
    const { nodes } = await after.ended(id)
    expect(nodes.map(({ state, requeues }) => [state, requeues])).toEqual(
      Array(8).fill(['finished', 0]),
    )
    expect(jobs.all.size).toBe(8)
    expect(asked.proposals + again.proposals).toBeLessThanOrEqual(8 + 4)
    await after.engine.stop()
    await real.close()
  }
}, 20_000)

test('a server that is shut down leaves its programs running for the next', async () => {
  const db = await migrated(await openDatabase({ dataDir: ':memory:' }))
  const jobs = new ScriptedJobs()
  jobs.outcome = async () => 'held'
  const before = await openLab({ db, jobs })
  const id = await before.add({ steps: 3, settings: { workers: 2, reruns: 0 } })
  await before.engine.begin(id)
  await before.whenJobs(() => jobs.running(id).length === 2)
  await before.engine.stop()
  expect(jobs.running(id)).toHaveLength(2)
  expect((await before.get(id)).status).toBe('running')
  const version = (await before.store.load(id)).version
  for (const job of jobs.running(id)) job.end()
  expect((await before.store.load(id)).version).toBe(version)
  jobs.outcome = async () => ({ exitCode: 0 })
  await using after = await openLab({ db, jobs, blobs: before.blobs })
  await after.engine.start()
  const { nodes } = await after.ended(id)
  expect(nodes.map(({ state, requeues }) => [state, requeues])).toEqual(
    Array(3).fill(['finished', 0]),
  )
  expect(jobs.all.size).toBe(3)
  await after.engine.stop()
  await db.close()
})

test('a program that ran is taken up though the search pauses, or its node is pruned', async () => {
  const db = await migrated(await openDatabase({ dataDir: ':memory:' }))
  const jobs = new ScriptedJobs()
  jobs.outcome = async () => 'held'
  const before = await openLab({ db, jobs })
  const ids = await Promise.all([1, 2].map(() => before.add({ steps: 2, settings: { reruns: 0 } })))
  const [paused, pruned] = ids as [string, string]
  for (const id of ids) await before.engine.begin(id)
  await before.whenJobs(() => jobs.running().length === 2)
  await before.steer(paused, steering.pause)
  await before.steer(pruned, steering.prune('node_1', true))
  await before.engine.stop()
  jobs.outcome = async () => ({ exitCode: 0 })
  for (const job of jobs.running()) job.end()
  await using after = await openLab({ db, jobs, blobs: before.blobs })
  await after.engine.start()
  const { nodes } = await after.when(paused, (now) => now.nodes[0]?.state === 'finished')
  expect(nodes).toHaveLength(1)
  expect((await after.ended(pruned)).nodes.map(({ state }) => state)).toEqual([
    'finished',
    'finished',
  ])
  await after.engine.end(paused)
  await after.engine.stop()
  await db.close()
})
