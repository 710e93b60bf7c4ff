/** The document's requests: fields, ids, status codes, both forms of each path. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { databases, openTrackingOn, type TrackingUnderTest } from './fixture.ts'

const now = '2026-01-01T00:00:00'

const projectOf = (id: number, fields: object = {}) => ({
  id,
  name: 'My Project',
  description: null,
  owner_id: 2,
  is_public: false,
  created_at: now,
  updated_at: now,
  ...fields,
})

const runOf = (id: number, projectId: number, fields: object = {}) => ({
  id,
  name: 'Training Run 1',
  project_id: projectId,
  status: 'running',
  config: {},
  tags: [],
  notes: null,
  environment: null,
  run_key: null,
  forked_from: null,
  started_at: now,
  ended_at: null,
  last_heard_at: now,
  created_at: now,
  updated_at: now,
  ...fields,
})

describe.each(databases)('on %s', (database) => {
  let server: TrackingUnderTest
  beforeAll(async () => {
    server = await openTrackingOn(database)
  })
  afterAll(() => server.stop())

  describe.each(['', '/'])('paths that end in "%s"', (slash) => {
    test('projects', async () => {
      const { ann } = server
      const input = {
        name: 'My Project',
        description: 'A machine learning project',
        is_public: false,
      }
      const created = await ann('POST', `/projects${slash}`, input)
      const id = created.body['id'] as unknown as number
      const project = projectOf(id, { description: input.description })
      expect(created).toMatchObject({ status: 200, body: project })
      expect(created.headers.get('content-type')).toStartWith('application/json')
      const listed = await ann('GET', `/projects${slash}?skip=0&limit=1000`)
      expect(listed.status).toBe(200)
      expect(listed.body).toContainEqual(project as never)
      expect((await ann('GET', `/projects/${id}${slash}`)).body).toEqual(project as never)
      server.clock.advance(1500)
      const change = { name: 'Updated Project Name', description: 'Updated description' }
      const changed = { ...project, ...change, updated_at: '2026-01-01T00:00:01.500000' }
      expect(await ann('PUT', `/projects/${id}${slash}`, change)).toMatchObject({
        status: 200,
        body: changed,
      })
      server.clock.advance(-1500)
      const deleted = await ann('DELETE', `/projects/${id}${slash}`)
      expect(deleted).toMatchObject({ status: 200, body: { message: expect.any(String) } })
      expect(await ann('GET', `/projects/${id}${slash}`)).toMatchObject({
        status: 404,
        body: { detail: 'Resource not found' },
      })
      const restored = await ann('POST', `/projects/${id}/restore${slash}`)
      expect(restored).toMatchObject({ status: 200, body: changed })
    })

    test('runs', async () => {
      const { ann } = server
      const projectId = await server.project()
      const config = { learning_rate: 0.001, batch_size: 32, nested: { a: [1, null, 'x'] } }
      const input = { name: 'Training Run 1', config, tags: ['demo', 'test'] }
      const created = await ann('POST', `/runs${slash}?project_id=${projectId}`, input)
      const id = created.body['id'] as unknown as number
      const run = runOf(id, projectId, { config, tags: input.tags })
      expect(created.status).toBe(200)
      expect(created.body).toEqual(run as never)
      expect((await ann('GET', `/runs/${id}${slash}`)).body).toEqual(run as never)
      const { config: _config, environment: _environment, ...summary } = run
      expect((await ann('GET', `/runs${slash}?project_id=${projectId}`)).body).toEqual([
        summary,
      ] as never)
      const end = { status: 'completed', ended_at: '2026-01-01T01:00:00' }
      const ended = await ann('PUT', `/runs/${id}${slash}`, end)
      expect(ended.body).toEqual({ ...run, ...end } as never)
      expect((await ann('DELETE', `/runs/${id}${slash}`)).status).toBe(200)
      expect((await ann('GET', `/runs/${id}${slash}`)).status).toBe(404)
      expect((await ann('GET', `/runs${slash}?project_id=${projectId}`)).body).toEqual([] as never)
      expect((await ann('POST', `/runs/${id}/restore${slash}`)).status).toBe(200)
      for (const verb of ['heartbeat', 'resume', 'fork']) {
        expect([verb, (await ann('POST', `/runs/${id}/${verb}${slash}`)).status]).toEqual([
          verb,
          200,
        ])
      }
      const line = { stream: 'stdout', text: 'hello\n' }
      expect((await ann('POST', `/runs/${id}/console${slash}`, line)).body).toEqual({
        id: 1,
      } as never)
      expect((await ann('GET', `/runs/${id}/console${slash}`)).body).toEqual({
        lines: [{ id: 1, ...line, timestamp: now }],
        next: 1,
      } as never)
    })

    test('metrics', async () => {
      const { ann } = server
      const runId = await server.run()
      const path = `/metrics/${runId}`
      const logged = await ann('POST', `${path}${slash}`, { name: 'loss', value: 0.5, step: 1 })
      const first = logged.body['id'] as unknown as number
      const point = { id: first, run_id: runId, name: 'loss', value: 0.5, step: 1, timestamp: now }
      expect(logged.status).toBe(200)
      expect(logged.body).toEqual(point as never)
      const metrics = { loss: 0.4, accuracy: 0.85, learning_rate: 0.001 }
      const batch = await ann('POST', `${path}/batch${slash}`, { metrics, step: 2 })
      expect(batch).toMatchObject({
        status: 200,
        body: {
          message: 'Logged 3 metrics successfully',
          first_id: first + 1,
          stored: 3,
          repeated: 0,
        },
      })
      const second = { ...point, id: first + 1, value: 0.4, step: 2 }
      const filtered = await ann('GET', `${path}${slash}?metric_name=loss`)
      expect(filtered.body).toEqual([point, second] as never)
      const page = await ann('GET', `${path}${slash}?skip=1&limit=1`)
      expect(page.body).toEqual([second] as never)
      const history = await ann('GET', `${path}/history/loss${slash}`)
      expect(history.body).toEqual({
        name: 'loss',
        values: [0.5, 0.4],
        steps: [1, 2],
        timestamps: [now, now],
        ids: [first, first + 1],
      } as never)
      const summary = await ann('GET', `${path}/summary${slash}`)
      expect(summary.body).toHaveLength(3)
      expect(summary.body).toContainEqual({
        name: 'loss',
        current_value: 0.4,
        min_value: 0.4,
        max_value: 0.5,
        mean_value: 0.45,
        total_points: 2,
        non_finite: 0,
        last_step: 2,
        last_timestamp: now,
      } as never)
      expect((await ann('GET', `${path}/names${slash}`)).body).toEqual({
        names: ['accuracy', 'learning_rate', 'loss'],
        total: 3,
      } as never)
      expect((await ann('GET', `${path}/chart${slash}?names=loss`)).body).toEqual([
        {
          ...{
            name: 'loss',
            exact: true,
            width: 0,
            steps: [1, 2],
            count: [1, 1],
            non_finite: [0, 0],
          },
          ...{ min: [0.5, 0.4], max: [0.5, 0.4], mean: [0.5, 0.4], last: [0.5, 0.4] },
        },
      ] as never)
    })
  })

  test('a list is bare, ordered by id, and cut by skip and limit', async () => {
    const projectId = await server.project()
    const ids: number[] = []
    for (let i = 0; i < 4; i++) ids.push(await server.run({ name: `r${i}` }, projectId))
    const list = async (query: string) =>
      (
        (await server.ann('GET', `/runs/?project_id=${projectId}${query}`)).body as unknown as {
          id: number
        }[]
      ).map(({ id }) => id)
    expect(await list('')).toEqual(ids)
    expect(await list('&skip=1&limit=2')).toEqual(ids.slice(1, 3))
    expect(await list('&skip=4')).toEqual([])
  })
})
