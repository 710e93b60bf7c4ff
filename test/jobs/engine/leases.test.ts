/** What becomes of jobs whose node falls silent, and what no clock may do to them. */
import { expect, test, describe } from 'bun:test'
import {
  dialects,
  type FakeNode,
  type Lab,
  openLab,
  openTestDatabase,
  plan,
  timePasses,
  until,
} from './fixture.ts'

const retry = { on_disconnect: 'retry', stop_after_ms: 3000, reassign_after_ms: 6000 }

/** Lets time pass in small steps, as it does. */
const pass = async (lab: Lab, ms: number, keep: readonly FakeNode[] = []): Promise<void> => {
  for (let left = ms; left > 0; left -= 1000) {
    lab.clock.advance(1000)
    for (const node of keep) await node.sync()
    // The sweep of leases runs beside; a request through the kernel lets it finish.
    await lab.send('GET', '/api/nodes')
  }
}

const withLab = async (
  dialect: (typeof dialects)[number],
  work: (lab: Lab) => Promise<void>,
): Promise<void> => {
  const { db, drop } = await openTestDatabase(dialect)
  const lab = await openLab(db)
  try {
    await work(lab)
  } finally {
    await lab[Symbol.asyncDispose]()
    await drop()
  }
}

describe.each([...dialects])('leases on %s', (dialect) => {
  test('`hold`: the job stays its node’s, which finds it again', () =>
    withLab(dialect, async (lab) => {
      const node = await lab.node()
      const job = await lab.submit()
      const work = await node.run()
      await pass(lab, 120_000)
      expect(await lab.job(job.id)).toMatchObject({ state: 'running', disconnected: true })
      await node.sync()
      expect(await lab.job(job.id)).toMatchObject({ state: 'running', disconnected: false })
      expect((await node.finish(work)).status).toBe(200)
      expect((await lab.job(job.id)).state).toBe('succeeded')
    }))

  test('`retry`: another attempt begins once the first is over, and fences it', () =>
    withLab(dialect, async (lab) => {
      const node = await lab.node('one')
      const plans = plan({ graceMs: 1000 })
      const job = await lab.submit({ plan: plans, policy: { ...retry, backoff_ms: 0 } })
      const work = await node.run()
      expect(work.stopAfterMs).toBe(3000)
      await pass(lab, 5000)
      expect((await lab.job(job.id)).state).toBe('running')
      await pass(lab, 8000)
      await until(async () => (await lab.job(job.id)).state === 'queued')
      const other = await lab.node('two')
      const second = await other.run()
      expect(second).toMatchObject({ job: job.id, attempt: 2 })
      expect((await node.finish(work)).status).toBe(410)
      node.hold(work)
      expect((await node.sync()).drop).toEqual([{ job: job.id, attempt: 1 }])
      await other.finish(second)
      expect(await lab.job(job.id)).toMatchObject({ state: 'succeeded', attempt: 2 })
    }))

  test('a clock that is set forward by a day ends no lease', () =>
    withLab(dialect, async (lab) => {
      const node = await lab.node()
      const job = await lab.submit({ plan: plan({ graceMs: 0 }), policy: retry })
      await node.run()
      const { now } = lab.clock
      let shiftMs = 0
      Object.assign(lab.clock, { now: () => now() + shiftMs })
      shiftMs = 86_400_000
      await pass(lab, 3000, [node])
      expect((await lab.job(job.id)).state).toBe('running')
      shiftMs = -86_400_000
      await pass(lab, 3000, [node])
      expect((await lab.job(job.id)).state).toBe('running')
    }))

  test('a poll of a node with a short lease is answered well before its end', () =>
    withLab(dialect, async (lab) => {
      const node = await lab.node()
      await lab.submit({ plan: plan({ graceMs: 0 }), policy: retry })
      await node.run()
      await node.sync()
      const poll = node.sync(25_000)
      const beganMs = lab.clock.now()
      await timePasses(lab, poll)
      expect(lab.clock.now() - beganMs).toBeLessThan(20_000)
      expect((await poll).want).toMatchObject([{ desired: 'run' }])
    }))

  test('an assignment that was never begun goes to another node', () =>
    withLab(dialect, async (lab) => {
      const node = await lab.node('gone')
      const job = await lab.submit()
      const [work] = await node.work()
      await pass(lab, 70_000)
      await until(async () => (await lab.job(job.id)).state === 'queued')
      expect((await node.start(work!)).status).toBe(410)
    }))

  test('a cancelled job of a silent node is cancelled after a while', () =>
    withLab(dialect, async (lab) => {
      const node = await lab.node()
      const job = await lab.submit()
      await node.run()
      await lab.send('POST', `/api/jobs/${job.id}/cancel`)
      expect(await lab.job(job.id)).toMatchObject({ state: 'running', desired: 'cancel' })
      await pass(lab, 70_000)
      await until(async () => (await lab.job(job.id)).state === 'cancelled')
      expect((await node.sync()).drop).toEqual([{ job: job.id, attempt: 1 }])
    }))
})

test('two attempts that could overlap are refused', async () => {
  await withLab('sqlite', async (lab) => {
    const policy = { on_disconnect: 'retry', stop_after_ms: 5000, reassign_after_ms: 6000 }
    const refused = await lab.send('POST', '/api/jobs', { plan: plan({ graceMs: 2000 }), policy })
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'validation', errors: [{ path: '/policy/reassign_after_ms' }] },
    })
  })
})

test('a server that starts begins the leases anew', async () => {
  const { db, drop } = await openTestDatabase('postgres')
  const first = await openLab(db)
  const node = await first.node()
  const job = await first.submit({ plan: plan({ graceMs: 0 }), policy: retry })
  await node.run()
  await pass(first, 4000)
  await first[Symbol.asyncDispose]()
  const second = await openLab(db)
  second.clock.advance(4000)
  await pass(second, 4000)
  expect((await second.job(job.id)).state).toBe('running')
  await second[Symbol.asyncDispose]()
  await drop()
})
