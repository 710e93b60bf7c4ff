/** One job from the queue to its end, with every message early, late, twice or by a stranger. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql } from '../../../src/storage/sql.ts'
import { dialects, type Lab, openLab, openTestDatabase, plan, until } from './fixture.ts'

describe.each([...dialects])('attempts on %s', (dialect) => {
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

  test('a job runs, and every step of it is written down', async () => {
    const node = await lab.node('walker')
    const job = await lab.submit({ name: 'walk' })
    expect(job).toMatchObject({ name: 'walk', state: 'queued', attempt: 0, node: null })
    const [work] = await node.work()
    expect(work).toEqual({
      job: job.id,
      attempt: 1,
      plan: plan(),
      gpus: [],
      stopAfterMs: null,
      checkpoint: null,
    })
    expect(await node.start(work!)).toEqual({ status: 200, body: { secrets: {} } })
    node.hold(work!, 'running', 'epoch 1')
    expect(await node.sync()).toEqual({
      work: [],
      want: [{ job: job.id, attempt: 1, desired: 'run' }],
      drop: [],
    })
    expect(await lab.job(job.id)).toMatchObject({
      state: 'running',
      phase: 'running',
      detail: 'epoch 1',
      node: 'walker',
    })
    expect(await node.finish(work!, { usage: { wallMs: 5 } })).toEqual({ status: 200, body: {} })
    expect(await lab.job(job.id)).toMatchObject({
      state: 'succeeded',
      phase: null,
      outcome: { reason: 'exited', exit_code: 0, usage: { wallMs: 5 } },
    })
    const { body } = await lab.send<{ history: { event: string; to: string; actor: string }[] }>(
      'GET',
      `/api/jobs/${job.id}/history`,
    )
    expect(body.history.map(({ event, to, actor }) => [event, to, actor])).toEqual([
      ['submit', 'queued', 'user:0'],
      ['claim', 'assigned', `node:${node.id}`],
      ['start', 'running', `node:${node.id}`],
      ['finish', 'succeeded', `node:${node.id}`],
    ])
    const attempts = await lab.send<{ attempts: object[] }>('GET', `/api/jobs/${job.id}/attempts`)
    expect(attempts.body.attempts).toMatchObject([
      { attempt: 1, node: 'walker', outcome: { reason: 'exited', exitCode: 0 } },
    ])
  })

  test('an assignment that was not taken up is handed out again, the same one', async () => {
    const node = await lab.node()
    const job = await lab.submit()
    const first = await node.work()
    const again = await node.sync()
    expect(first).toMatchObject([{ job: job.id, attempt: 1 }])
    expect(again.work).toEqual(first)
    node.hold(first[0]!, 'preparing')
    expect((await node.sync()).work).toEqual([])
    await node.finish(first[0]!)
  })

  test('start and finish may be repeated; a finished attempt cannot start', async () => {
    const node = await lab.node()
    await lab.submit()
    const [work] = await node.work()
    expect((await node.start(work!)).status).toBe(200)
    expect((await node.start(work!)).status).toBe(200)
    expect((await node.finish(work!, { exitCode: 3 })).status).toBe(200)
    expect((await node.finish(work!)).status).toBe(200)
    expect((await node.start(work!)).status).toBe(410)
    expect(await lab.job(work!.job)).toMatchObject({ state: 'failed', outcome: { exit_code: 3 } })
  })

  test('every verb of a stale attempt, or of another node, is answered 410', async () => {
    const node = await lab.node()
    const other = await lab.node()
    await lab.submit()
    const [work] = await node.work()
    const stale = { job: work!.job, attempt: 0 }
    const early = { job: work!.job, attempt: 2 }
    const statuses = [
      await node.start(stale),
      await node.start(early),
      await node.finish(stale),
      await other.start(work!),
      await other.finish(work!),
      await node.start({ job: `j${'a'.repeat(20)}`, attempt: 1 }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([410, 410, 410, 410, 410, 410])
    other.hold(work!)
    expect((await other.sync()).drop).toEqual([{ job: work!.job, attempt: 1 }])
    await node.finish(work!)
  })

  test('a failure is tried again after a while, as often as the policy says', async () => {
    const node = await lab.node()
    const job = await lab.submit({ policy: { max_attempts: 2, backoff_ms: 5000 } })
    await node.finish(await node.run(), { exitCode: 1 })
    expect(await lab.job(job.id)).toMatchObject({ state: 'queued', attempt: 1 })
    expect((await node.sync()).work).toEqual([])
    lab.clock.advance(5000)
    const [second] = await node.work()
    expect(second).toMatchObject({ job: job.id, attempt: 2 })
    await node.start(second!)
    await node.finish(second!, { exitCode: 1 })
    expect(await lab.job(job.id)).toMatchObject({ state: 'failed', attempt: 2 })
  })

  test('an attempt that its node forgets is over, once that lasts', async () => {
    const node = await lab.node()
    const job = await lab.submit()
    await node.run()
    node.holding = []
    await node.sync()
    lab.clock.advance(20_000)
    await node.sync()
    expect((await lab.job(job.id)).state).toBe('running')
    lab.clock.advance(20_000)
    await node.sync()
    expect(await lab.job(job.id)).toMatchObject({
      state: 'failed',
      outcome: { reason: 'shim_lost' },
    })
  })

  test('secrets are sealed at rest, handed out at start only, gone at the end', async () => {
    const node = await lab.node()
    const job = await lab.submit({ secrets: { TOKEN: 'hunter2' } })
    const stored = async () =>
      (
        await lab.db.rows<{ secrets: string | null }>(
          sql`select secrets from jobs_plan where job_id = ${job.id}`,
        )
      )[0]?.secrets
    expect(await stored()).not.toContain('hunter2')
    const [work] = await node.work()
    expect(JSON.stringify([job, work])).not.toContain('hunter2')
    expect((await node.start(work!)).body).toEqual({ secrets: { TOKEN: 'hunter2' } })
    expect((await node.start(work!)).body).toEqual({ secrets: { TOKEN: 'hunter2' } })
    await node.finish(work!, { exitCode: 1 })
    expect(await stored()).toBeNull()
    const retry = await lab.send('POST', `/api/jobs/${job.id}/retry`)
    expect(retry).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })

  test('a pause without a checkpoint is a cancellation', async () => {
    const node = await lab.node()
    const job = await lab.submit()
    const work = await node.run()
    await lab.send('POST', `/api/jobs/${job.id}/pause`)
    expect((await node.sync()).want).toEqual([{ job: job.id, attempt: 1, desired: 'pause' }])
    await node.finish(work, { reason: 'paused', exitCode: 0 })
    expect(await lab.job(job.id)).toMatchObject({
      state: 'cancelled',
      outcome: { reason: 'cancelled' },
    })
  })

  test('a pause that comes before its program began needs no checkpoint', async () => {
    const node = await lab.node()
    const job = await lab.submit()
    const work = await node.run()
    await lab.send('POST', `/api/jobs/${job.id}/pause`)
    await node.finish(work, { reason: 'paused', exitCode: null })
    expect((await lab.job(job.id)).state).toBe('paused')
    await lab.send('POST', `/api/jobs/${job.id}/resume`)
    expect(await node.work()).toMatchObject([{ job: job.id, attempt: 2, checkpoint: null }])
    await node.finish({ job: job.id, attempt: 2 })
  })

  test('one that had a checkpoint to go on from is paused there, whatever ended it', async () => {
    const node = await lab.node()
    const job = await lab.submit()
    const work = await node.run()
    const sha256 = 'c'.repeat(64)
    await lab.db.run(sql`
      insert into jobs_artifact (job_id, attempt, path, sha256, size, kind, created_at)
      values (${job.id}, 1, 'a.ckpt', ${sha256}, 7, 'checkpoint', 1)`)
    await lab.send('POST', `/api/jobs/${job.id}/pause`)
    const message = 'Asked to pause, it wrote no checkpoint'
    await node.finish(work, { reason: 'cancelled', exitCode: null, signal: 'SIGTERM', message })
    const paused = { state: 'paused', outcome: { reason: 'paused', message: null } }
    expect(await lab.job(job.id)).toMatchObject(paused)
    await lab.send('POST', `/api/jobs/${job.id}/resume`)
    const checkpoint = { path: 'a.ckpt', sha256, sizeBytes: 7 }
    expect(await node.work()).toMatchObject([{ job: job.id, attempt: 2, checkpoint }])
    await node.finish({ job: job.id, attempt: 2 })
  })

  test('a job that its node does not end in time is ended as overdue', async () => {
    const node = await lab.node()
    const job = await lab.submit({ timeout_ms: 1000, plan: plan({ graceMs: 0 }) })
    expect((await lab.job(job.id)).plan.limits).toEqual({ wallMs: 1000 })
    const work = await node.run()
    for (let n = 0; n < 4; n++) {
      lab.clock.advance(5000)
      await node.sync()
    }
    await until(async () => (await lab.job(job.id)).desired === 'cancel')
    await node.finish(work, { reason: 'cancelled', exitCode: null, signal: 'SIGTERM' })
    expect(await lab.job(job.id)).toMatchObject({ state: 'failed', outcome: { reason: 'timeout' } })
  })
})
