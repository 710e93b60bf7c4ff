/** What owners ask of their jobs: submissions, commands, lists, deletion. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Type as t } from '@sinclair/typebox'
import type { Runner } from '../../../src/jobs/runner.ts'
import type { JobView } from '../../../src/jobs/view.ts'
import { dialects, type Lab, openLab, openTestDatabase, plan } from './fixture.ts'

const train: Runner = {
  spec: t.Object({ epochs: t.Integer({ minimum: 1 }) }, { additionalProperties: false }),
  plan: (spec) => ({ command: ['train', String((spec as { epochs: number }).epochs)] }),
}

describe.each([...dialects])('steering jobs on %s', (dialect) => {
  let opened: Awaited<ReturnType<typeof openTestDatabase>>
  let lab: Lab
  beforeAll(async () => {
    opened = await openTestDatabase(dialect)
    lab = await openLab(opened.db, {
      runners: { train },
      config: { keepEndedMs: 86_400_000, keepEndedCount: 5 },
    })
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await opened.drop()
  })
  const command = (id: string, verb: string) =>
    lab.send<JobView & { code?: string }>('POST', `/api/jobs/${id}/${verb}`)

  test('an idempotency key makes one job of many submissions', async () => {
    const body = { plan: plan(), idempotency_key: 'once' }
    const many = await Promise.all(
      Array.from({ length: 8 }, () => lab.send<JobView>('POST', '/api/jobs', body)),
    )
    expect(new Set(many.map(({ body: { id } }) => id)).size).toBe(1)
    await command(many[0]!.body.id, 'cancel')
  })

  test.each<[string, object, number, string]>([
    ['an unknown field', { plan: plan(), prio: 1 }, 422, '/prio'],
    ['no plan', {}, 422, '/plan'],
    ['a plan that is none', { plan: { command: [] } }, 422, '/plan/command'],
    ['a path that leads out', { plan: plan({ outputs: ['../x'] }) }, 422, '/plan/outputs/0'],
    ['an unknown kind', { kind: 'dance', plan: plan() }, 400, 'command, train'],
    ['a spec that does not fit', { kind: 'train', spec: { epochs: 0 } }, 422, '/spec/epochs'],
    ['a job that is not there', { plan: plan(), after: [`j${'a'.repeat(20)}`] }, 422, '/after'],
    ['a time that is none', { plan: plan(), not_before: 'soon' }, 422, '/not_before'],
  ])('%s is refused', async (_, body, status, word) => {
    const refused = await lab.send<{ detail: string }>('POST', '/api/jobs', body)
    expect(refused).toMatchObject({ status, body: { detail: expect.stringContaining(word) } })
  })

  test('a plugin’s kind makes the plan', async () => {
    const { body } = await lab.send<JobView>('POST', '/api/jobs', {
      kind: 'train',
      spec: { epochs: 3 },
    })
    expect(body).toMatchObject({ kind: 'train', plan: { command: ['train', '3'] } })
    await command(body.id, 'cancel')
  })

  test('a queued job is cancelled, paused and resumed at once', async () => {
    const { id } = await lab.submit()
    const states: unknown[] = []
    for (const verb of ['pause', 'pause', 'resume', 'cancel', 'cancel', 'resume']) {
      const { status, body } = await command(id, verb)
      states.push(status === 200 ? body.state : `${status} ${body.code}`)
    }
    expect(states).toEqual(['paused', 'paused', 'queued', 'cancelled', 'cancelled', '409 conflict'])
    expect((await command(id, 'retry')).body.state).toBe('queued')
    await command(id, 'cancel')
  })

  test('an assigned job is cancelled before it begins', async () => {
    const node = await lab.node()
    const { id } = await lab.submit()
    const [work] = await node.work()
    expect((await command(id, 'cancel')).body.state).toBe('cancelled')
    expect((await node.start(work!)).status).toBe(410)
  })

  test('lists are filtered and paged', async () => {
    const jobs = [await lab.submit({ name: 'Alpha_1' }), await lab.submit({ name: 'alphaX1' })]
    const list = async (query: string) =>
      (await lab.send<{ jobs: JobView[]; total: number }>('GET', `/api/jobs?${query}`)).body
    expect((await list('name=ALPHA_')).jobs.map(({ id }) => id)).toEqual([jobs[0]!.id])
    const page = await list('state=queued,running&name=alpha&limit=1')
    expect({ ids: page.jobs.map(({ id }) => id), total: page.total }).toEqual({
      ids: [jobs[1]!.id],
      total: 2,
    })
    expect((await lab.send('GET', '/api/jobs?state=odd')).status).toBe(422)
    for (const { id } of jobs) await command(id, 'cancel')
  })

  test('a job is deleted once it has ended', async () => {
    const { id } = await lab.submit()
    expect((await lab.send('DELETE', `/api/jobs/${id}`)).status).toBe(409)
    await command(id, 'cancel')
    expect((await lab.send('DELETE', `/api/jobs/${id}`)).status).toBe(200)
    expect((await lab.send('GET', `/api/jobs/${id}`)).status).toBe(404)
  })

  test('old jobs are deleted by themselves', async () => {
    const { id } = await lab.submit()
    await command(id, 'cancel')
    lab.clock.advance(86_400_000 + 20 * 60_000)
    await lab.submit()
    const gone = async () => (await lab.send('GET', `/api/jobs/${id}`)).status
    let status = await gone()
    for (let n = 0; n < 1000 && status !== 404; n++) {
      await Bun.sleep(0)
      status = await gone()
    }
    expect(status).toBe(404)
  })
})
