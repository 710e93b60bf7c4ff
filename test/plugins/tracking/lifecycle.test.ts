/** The life of a run: alive, crashed, ended, resumed, forked, in the trash, gone for good. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql } from '../../../src/sdk.ts'
import { toNaiveIso } from '../../../plugins/tracking/time.ts'
import { databases, openTrackingOn, type TrackingUnderTest } from './fixture.ts'

const minuteMs = 60_000

describe.each(databases)('on %s', (database) => {
  let server: TrackingUnderTest
  beforeAll(async () => {
    server = await openTrackingOn(database)
  })
  afterAll(() => server.stop())

  const read = async (id: number) => (await server.ann('GET', `/runs/${id}`)).body
  const statusOf = async (id: number): Promise<string> => String((await read(id))['status'])
  const idsOf = async (query: string): Promise<number[]> => {
    const { body } = await server.ann('GET', `/runs/?limit=1000&${query}`)
    return (body as unknown as { id: number }[]).map(({ id }) => id)
  }
  const stepsOf = async (run: number): Promise<unknown> =>
    (await server.ann('GET', `/metrics/${run}/history/loss`)).body['steps']
  const logSteps = (run: number, steps: readonly number[]) =>
    server.ann('POST', `/metrics/${run}/batch`, {
      series: [{ name: 'loss', values: steps.map((step) => step / 10), steps }],
    })

  const signsOfLife = [
    ['a heartbeat', 'heartbeat', undefined],
    ['a point', 'metrics', { name: 'loss', value: 1 }],
    ['a batch', 'batch', { metrics: { loss: 1 } }],
    ['a line', 'console', { stream: 'stderr', text: 'x' }],
  ] as const

  test.each(signsOfLife)('silence crashes a run, and %s revives it', async (_name, verb, body) => {
    const project = await server.project()
    const run = await server.run({}, project)
    const inState = (status: string) => idsOf(`project_id=${project}&status=${status}`)
    server.clock.advance(5 * minuteMs)
    expect(await statusOf(run)).toBe('running')
    server.clock.advance(1)
    expect(await statusOf(run)).toBe('crashed')
    expect([await inState('crashed'), await inState('running')]).toEqual([[run], []])
    const paths = { metrics: `/metrics/${run}`, batch: `/metrics/${run}/batch` }
    const path = verb === 'metrics' || verb === 'batch' ? paths[verb] : `/runs/${run}/${verb}`
    expect((await server.ann('POST', path, body)).status).toBe(200)
    expect(await statusOf(run)).toBe('running')
    expect([await inState('crashed'), await inState('running')]).toEqual([[], [run]])
    expect(await read(run)).toMatchObject({ ended_at: null } as never)
  })

  test('what was heard reaches the row within seconds, for other servers to see', async () => {
    const run = await server.run()
    server.clock.advance(minuteMs)
    await server.ann('POST', `/runs/${run}/heartbeat`)
    const heard = server.clock.now() * 1000
    const row = async () => {
      const [found] = await server.db.rows<{ last_heard_at: number }>(
        sql`select last_heard_at from tracking_run where id = ${run}`,
      )
      return found?.last_heard_at
    }
    expect(await row()).toBeLessThan(heard)
    server.clock.advance(5000)
    while ((await row()) !== heard) await new Promise(setImmediate)
  })

  test('an end sets ended_at, unless it is given; running again clears it', async () => {
    const run = await server.run()
    const set = async (change: object) => {
      const { body } = await server.ann('PUT', `/runs/${run}`, change)
      return [body['status'], body['ended_at']] as unknown[]
    }
    const first = toNaiveIso(server.clock.now())
    expect(await set({ status: 'completed' })).toEqual(['completed', first])
    server.clock.advance(1000)
    expect(await set({ status: 'failed' })).toEqual(['failed', first])
    expect(await set({ notes: 'x' })).toEqual(['failed', first])
    expect(await set({ status: 'running' })).toEqual(['running', null])
    const ended = { status: 'killed', ended_at: '2023-01-01T00:00:00.5Z' }
    expect(await set(ended)).toEqual(['killed', '2023-01-01T00:00:00.500000'])
    expect(await set({ ended_at: null })).toEqual(['killed', null])
    expect(await set({})).toEqual(['killed', null])
  })

  test('an ended run stays ended when points come late, and a heartbeat says so', async () => {
    const run = await server.run()
    await server.ann('PUT', `/runs/${run}`, { status: 'killed' })
    expect((await server.ann('POST', `/metrics/${run}`, { name: 'loss', value: 1 })).status).toBe(
      200,
    )
    const beat = await server.ann('POST', `/runs/${run}/heartbeat`)
    expect([beat.body as unknown, await statusOf(run)]).toEqual([{ status: 'killed' }, 'killed'])
  })

  test('resume runs on; with a step it drops what is at or above it', async () => {
    const run = await server.run()
    await logSteps(run, [1, 2, 3, 4])
    await server.ann('PUT', `/runs/${run}`, { status: 'failed' })
    const resumed = await server.ann('POST', `/runs/${run}/resume`, { from_step: 3 })
    expect(resumed.body).toMatchObject({ id: run, status: 'running', ended_at: null } as never)
    expect(await stepsOf(run)).toEqual([1, 2])
    await logSteps(run, [3])
    await server.ann('POST', `/runs/${run}/resume`)
    expect(await stepsOf(run)).toEqual([1, 2, 3])
  })

  test('a fork has the points below its step and everything that describes the run', async () => {
    const description = { config: { lr: 0.1 }, tags: ['a'], notes: 'n', environment: { git: 'x' } }
    const run = await server.run({ name: 'Base', ...description })
    await logSteps(run, [1, 2, 3])
    const forked = await server.ann('POST', `/runs/${run}/fork`, { step: 3 })
    const fork = forked.body['id'] as unknown as number
    expect(forked.body).toMatchObject({
      ...description,
      name: 'Base (fork)',
      status: 'running',
      forked_from: { run_id: run, step: 3 },
    } as never)
    await logSteps(fork, [10])
    expect([await stepsOf(run), await stepsOf(fork)]).toEqual([
      [1, 2, 3],
      [1, 2, 10],
    ])
    const whole = await server.ann('POST', `/runs/${run}/fork`, { name: 'All' })
    expect(whole.body).toMatchObject({ name: 'All', forked_from: { step: null } } as never)
    expect(await stepsOf(whole.body['id'] as unknown as number)).toEqual([1, 2, 3])
  })

  test('run_key makes creating idempotent within its project', async () => {
    const project = await server.project()
    const create = (id: number, name: string) =>
      server.ann('POST', `/runs/?project_id=${id}`, { name, run_key: 'k' })
    const [one, two] = await Promise.all([create(project, 'a'), create(project, 'b')])
    expect(one.body).toEqual(two.body)
    const other = await create(await server.project(), 'c')
    expect(other.body['id']).not.toEqual(one.body['id'])
    await server.ann('DELETE', `/runs/${one.body['id']}`)
    const again = await create(project, 'd')
    expect([again.status, again.body['detail'] as unknown]).toEqual([
      409,
      `The run with this run_key, ${one.body['id']}, is in the trash`,
    ])
  })

  test('the trash holds a run until it is restored or deleted for good', async () => {
    const project = await server.project()
    const run = await server.run({ tags: ['t'], config: { lr: 1 } }, project)
    await logSteps(run, [1])
    await server.ann('POST', `/runs/${run}/console`, { stream: 'stdout', text: 'x' })
    const listed = async () => [
      await idsOf(`project_id=${project}`),
      await idsOf(`project_id=${project}&deleted=true`),
    ]
    expect(await listed()).toEqual([[run], []])
    await server.ann('DELETE', `/runs/${run}`)
    expect(await listed()).toEqual([[], [run]])
    expect((await server.ann('DELETE', `/runs/${run}`)).status).toBe(404)
    expect((await server.ann('POST', `/metrics/${run}`, { name: 'a', value: 1 })).status).toBe(404)
    await server.ann('POST', `/runs/${run}/restore`)
    expect([await listed(), await stepsOf(run)]).toEqual([[[run], []], [1]])
    await server.ann('DELETE', `/runs/${run}`)
    expect((await server.ann('DELETE', `/runs/${run}?permanent=true`)).status).toBe(200)
    expect(await listed()).toEqual([[], []])
    expect((await server.ann('POST', `/runs/${run}/restore`)).status).toBe(404)
    for (const table of ['tag', 'param', 'console', 'series', 'batch']) {
      const rows = await server.db.rows(
        sql`select * from ${sql.raw(`tracking_${table}`)} where run_id = ${run}`,
      )
      expect([table, rows]).toEqual([table, []])
    }
  })

  test('a project deleted for good takes its runs along, those in the trash too', async () => {
    const project = await server.project()
    const runs = [await server.run({}, project), await server.run({}, project)]
    await server.ann('DELETE', `/runs/${runs[0]}`)
    await server.ann('DELETE', `/projects/${project}`)
    expect((await server.ann('POST', `/runs/${runs[0]}/restore`)).status).toBe(404)
    expect((await server.ann('DELETE', `/projects/${project}?permanent=true`)).status).toBe(200)
    expect((await server.ann('POST', `/projects/${project}/restore`)).status).toBe(404)
    const left = await server.db.rows(
      sql`select id from tracking_run where project_id = ${project}`,
    )
    expect(left).toEqual([])
  })

  test('tags and config can be replaced, and are found as they are now', async () => {
    const project = await server.project()
    const run = await server.run({ tags: ['a', 'b', 'a'], config: { lr: 1 } }, project)
    const found = (query: string) => idsOf(`project_id=${project}&${query}`)
    expect(await found('tag=a&tag=b')).toEqual([run])
    expect(await found(`filter=${encodeURIComponent('params.lr = 1')}`)).toEqual([run])
    await server.ann('PUT', `/runs/${run}`, { tags: ['b', 'c'], config: { lr: 2, x: { y: 'z' } } })
    expect(await read(run)).toMatchObject({ tags: ['b', 'c'], config: { lr: 2 } } as never)
    expect([await found('tag=a'), await found('tag=c')]).toEqual([[], [run]])
    expect(await found(`filter=${encodeURIComponent('params.lr = 1')}`)).toEqual([])
    expect(await found(`filter=${encodeURIComponent('params.x.y = "z"')}`)).toEqual([run])
    await server.ann('PUT', `/runs/${run}`, { tags: null, config: null, environment: { a: 1 } })
    expect(await read(run)).toMatchObject({ tags: [], config: {}, environment: { a: 1 } } as never)
    expect([await found('tag=c'), await found('filter=params.lr%20is%20null')]).toEqual([[], [run]])
  })

  test('a config keeps every name and number that JSON can carry', async () => {
    const project = await server.project()
    const config = '{"__proto__":{"a":1},"constructor":2,"nan":NaN,"big":1e999,"text":"\\u0000é"}'
    const path = `/runs/?project_id=${project}`
    const { body } = await server.ann('POST', path, `{"name":"x","config":${config}}`)
    const run = await server.ann('GET', `/runs/${body['id']}`)
    expect(JSON.stringify(run.body['config'])).toBe(
      config.replace('NaN', '"NaN"').replace('1e999', '"Infinity"'),
    )
  })

  test('lists follow order_by', async () => {
    const project = await server.project()
    const runs: number[] = []
    for (const lr of [2, 3, 1]) runs.push(await server.run({ config: { lr } }, project))
    const [two, three, one] = runs as [number, number, number]
    expect(await idsOf(`project_id=${project}&order_by=params.lr`)).toEqual([one, two, three])
    expect(await idsOf(`project_id=${project}&order_by=id%20desc`)).toEqual([one, three, two])
  })

  test('the console is read on from where a reader was, and repeats are harmless', async () => {
    const run = await server.run()
    const write = (text: string, batch_id?: string) =>
      server.ann('POST', `/runs/${run}/console`, { stream: 'stdout', text, batch_id })
    await write('one\n', 'w:1')
    await write('one\n', 'w:1')
    await Promise.all(['two\0', 'three', 'four'].map((text) => write(text)))
    const all = (await server.ann('GET', `/runs/${run}/console`)).body
    const lines = all['lines'] as unknown as { id: number; text: string }[]
    expect(lines.map(({ id }) => id)).toEqual([1, 2, 3, 4])
    expect(lines.map(({ text }) => text).sort()).toEqual(['four', 'one\n', 'three', 'two\uFFFD'])
    const page = (since: number) =>
      server.ann('GET', `/runs/${run}/console?since=${since}&limit=3`).then(({ body }) => body)
    expect(await page(0)).toEqual({ lines: lines.slice(0, 3), next: 3 } as never)
    expect(await page(3)).toEqual({ lines: lines.slice(3), next: 4 } as never)
    expect(await page(4)).toEqual({ lines: [], next: 4 } as never)
  })
})
