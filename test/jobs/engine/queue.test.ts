/** Who runs next, and where: order, times, dependencies, limits, places, leases of GPUs. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { JobView } from '../../../src/jobs/view.ts'
import {
  dialects,
  type Lab,
  openLab,
  openTestDatabase,
  plan,
  timePasses,
  until,
} from './fixture.ts'

const gpu = (n: number, gib = 80) => ({
  uuid: `GPU-${n}`,
  model: 'NVIDIA H100',
  memoryBytes: gib * 2 ** 30,
})

describe.each([...dialects])('the queue on %s', (dialect) => {
  let opened: Awaited<ReturnType<typeof openTestDatabase>>
  let lab: Lab
  beforeAll(async () => {
    opened = await openTestDatabase(dialect)
    lab = await openLab(opened.db)
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await opened.drop()
  })

  /** Each job has a label of its own test, so that no other test's node takes it. */
  const on = (label: string) => plan({ needs: { labels: [label] } })

  test('priority goes before age, and a time before both', async () => {
    const low = await lab.submit({ plan: on('order') })
    const high = await lab.submit({ plan: on('order'), priority: 5 })
    const later = new Date(lab.clock.now() + 60_000).toISOString()
    const late = await lab.submit({ plan: on('order'), priority: 9, not_before: later })
    const node = await lab.node('order', { labels: ['order'], slots: 1 })
    const order: string[] = []
    for (let n = 0; n < 2; n++) {
      const work = await node.run()
      order.push(work.job)
      await node.finish(work)
    }
    expect((await node.sync()).work).toEqual([])
    lab.clock.advance(60_000)
    const work = await node.run()
    await node.finish(work)
    expect([...order, work.job]).toEqual([high.id, low.id, late.id])
  })

  test('a job waits for those it comes after, and falls with one that fails', async () => {
    const first = await lab.submit({ plan: on('after'), name: 'first' })
    const second = await lab.submit({ plan: on('after'), after: [first.id] })
    const third = await lab.submit({ plan: on('after'), after: [first.id, second.id] })
    const node = await lab.node('after', { labels: ['after'] })
    const work = await node.run()
    expect(work.job).toBe(first.id)
    expect((await node.sync()).work).toEqual([])
    await node.finish(work)
    const next = await node.run()
    expect(next.job).toBe(second.id)
    await node.finish(next, { exitCode: 1 })
    expect(await lab.job(third.id)).toMatchObject({
      state: 'cancelled',
      outcome: { reason: 'cancelled', message: expect.stringContaining(second.id) },
    })
    const fourth = await lab.submit({ plan: on('after'), after: [second.id] })
    expect(await lab.job(fourth.id)).toMatchObject({ state: 'cancelled' })
    const retry = await lab.send('POST', `/api/jobs/${third.id}/retry`)
    expect(retry.status).toBe(409)
  })

  test('a GPU is leased to one attempt at a time', async () => {
    const node = await lab.node('gpus', { labels: ['lease'], gpus: [gpu(7), gpu(8, 40)] })
    const needs = { labels: ['lease'], gpus: 1 }
    const jobs: JobView[] = []
    for (let n = 0; n < 3; n++) jobs.push(await lab.submit({ plan: plan({ needs }) }))
    const works = [await node.run(), ...(await node.sync()).work]
    if (works.length < 2) works.push(...(await node.work()))
    expect(works.flatMap(({ gpus }) => gpus).sort()).toEqual(['GPU-7', 'GPU-8'])
    for (const work of works.slice(1)) node.hold(work)
    expect((await node.sync()).work).toEqual([])
    await node.finish(works[0]!)
    const [third] = await node.work()
    expect(third).toMatchObject({ job: jobs[2]!.id, gpus: works[0]!.gpus })
  })

  test('what no node can run holds nobody up', async () => {
    await lab.submit({ plan: plan({ needs: { labels: ['free', 'nowhere'] } }), priority: 9 })
    const contained = plan({ needs: { labels: ['free'] }, sandbox: 'docker' })
    await lab.submit({ plan: contained, priority: 9 })
    const job = await lab.submit({ plan: on('free') })
    const node = await lab.node('free', { labels: ['free=1'] })
    expect(await node.work()).toMatchObject([{ job: job.id }])
  })

  test('a draining node gives back what it has not begun', async () => {
    const node = await lab.node('drain', { labels: ['drain'] })
    const job = await lab.submit({ plan: on('drain') })
    await node.work()
    await lab.send('POST', `/api/nodes/${node.id}/drain`, { drain: true })
    expect((await node.sync()).work).toEqual([])
    expect((await lab.job(job.id)).state).toBe('queued')
    await lab.send('POST', `/api/nodes/${node.id}/drain`, { drain: false })
    expect(await node.work()).toMatchObject([{ job: job.id, attempt: 2 }])
  })

  test('a poll ends when its time is up', async () => {
    const node = await lab.node('poll', { labels: ['poll'] })
    const beganMs = lab.clock.now()
    const idle = node.sync(10_000)
    await timePasses(lab, idle)
    expect(lab.clock.now() - beganMs).toBeGreaterThanOrEqual(10_000)
    expect(await idle).toEqual({ work: [], want: [], drop: [] })
  })

  test('of two syncs of a node only one waits', async () => {
    const node = await lab.node('twice', { labels: ['twice'] })
    const polls = [node.sync(20_000), node.sync(20_000)]
    expect(await Promise.race(polls)).toEqual({ work: [], want: [], drop: [] })
    const job = await lab.submit({ plan: on('twice') })
    const replies = await Promise.all(polls)
    expect(replies.flatMap(({ work }) => work)).toMatchObject([{ job: job.id }])
  })

  test('news is told at once, and what was told already after a second', async () => {
    const node = await lab.node('told', { labels: ['told'] })
    const job = await lab.submit({ plan: on('told') })
    await node.run()
    await node.sync()
    const poll = node.sync(20_000)
    await lab.send('POST', `/api/jobs/${job.id}/cancel`)
    const cancelled = [{ job: job.id, attempt: 1, desired: 'cancel' }] as const
    expect((await poll).want).toEqual([...cancelled])
    const again = node.sync(20_000)
    await timePasses(lab, again)
    expect((await again).want).toEqual([...cancelled])
  })
})

test('one user, or one project, runs no more than is allowed', async () => {
  const { db, drop } = await openTestDatabase('postgres')
  const config = { maxRunningPerUser: 3, maxRunningPerProject: 2 }
  const lab = await openLab(db, { config })
  const node = await lab.node('limits', { slots: 8 })
  for (let n = 0; n < 4; n++) await lab.submit({ project_id: 1 })
  for (let n = 0; n < 4; n++) await lab.submit({ project_id: 2 })
  const count = async () =>
    (await lab.send<{ total: number }>('GET', '/api/jobs?state=assigned')).body.total
  await node.work()
  await until(async () => (await count()) === 3)
  await node.sync()
  expect(await count()).toBe(3)
  const { body } = await lab.send<{ jobs: JobView[] }>('GET', '/api/jobs?state=assigned')
  expect(body.jobs.map(({ project_id }) => project_id).sort()).toEqual([1, 1, 2])
  await lab[Symbol.asyncDispose]()
  await drop()
})
