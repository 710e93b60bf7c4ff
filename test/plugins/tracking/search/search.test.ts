/** Searching runs finds the same runs in the same order on both dialects, page by page. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openDatabase } from '../../../../src/storage/open.ts'
import type { Database } from '../../../../src/sdk.ts'
import { createPostgres } from '../../../storage/postgres-server.ts'
import { type Json, openTracking, type TrackingUnderTest } from '../fixture.ts'
import { fill, filters, orders } from './cases.ts'

const dialects: [string, () => Promise<{ db?: Database; close(): Promise<void> }>][] = [
  ['sqlite', async () => ({ close: async () => {} })],
  [
    'postgres',
    async () => {
      const { url, drop } = await createPostgres()
      const db = await openDatabase({ dataDir: ':memory:', databaseUrl: url })
      return { db, close: () => db.close().then(drop) }
    },
  ],
]

const namesOf = (body: Json): string =>
  (body['runs'] as unknown as { name: string }[]).map(({ name }) => name).join('')

describe.each(dialects)('%s', (_, open) => {
  let app: TrackingUnderTest
  let close: () => Promise<void>
  let projectId: number

  beforeAll(async () => {
    const opened = await open()
    close = opened.close
    app = await openTracking(opened.db ? { db: opened.db } : {})
    projectId = await fill(app)
  })
  afterAll(async () => {
    await app?.stop()
    await close?.()
  })

  const search = async (query: object): Promise<Json> => {
    const { status, body } = await app.ann('POST', '/runs/search', query)
    expect({ status, body }).toEqual({ status: 200, body: expect.anything() })
    return body
  }

  test.each(filters)('%s', async (filter, names) => {
    const body = await search({ filter, order_by: ['name'] })
    expect({ names: namesOf(body), total: body['total'] as unknown }).toEqual({
      names,
      total: names.length,
    })
    const listed = await app.ann('GET', `/runs/?filter=${encodeURIComponent(filter)}`)
    expect(listed.body.map((run: { name: string }) => run.name).join('')).toBe(names)
  })

  test.each(orders)('ordered by %j', async (order_by, names) => {
    for (const limit of [1, 2, 4, 6, 7]) {
      let found = ''
      let cursor: unknown = null
      do {
        const body = await search({ order_by, limit, cursor })
        expect(body['total'] as unknown).toBe(6)
        found += namesOf(body)
        cursor = body['next_cursor']
      } while (cursor !== null)
      expect(found).toBe(names)
    }
  })

  test('answers the metrics and parameters that were asked for', async () => {
    const body = await search({
      filter: 'name in ("a", "b", "c", "d", "e")',
      order_by: ['name'],
      metrics: ['loss', 'val/acc', '__proto__'],
      params: ['lr', 'amp', 'layers', 'nothing'],
    })
    const runs = body['runs'] as unknown as { metrics: object; params: object }[]
    expect(runs.map(({ metrics, params }) => ({ metrics, params }))).toEqual([
      { metrics: { loss: 1 }, params: { lr: 0.1, amp: true } },
      { metrics: { loss: 2, 'val/acc': 0.5 }, params: { lr: 0.01, amp: false } },
      { metrics: { loss: 'NaN' }, params: { lr: 0.001, layers: '[64,32]' } },
      { metrics: { loss: 0 }, params: { lr: 'auto' } },
      { metrics: { loss: '-Infinity' }, params: {} },
    ])
  })

  test('sees what was logged a moment ago, and crashes, and comes back from them', async () => {
    const runId = await app.run({ name: 'late' }, projectId)
    await app.ann('POST', `/metrics/${runId}`, { name: 'fresh', value: 1 })
    expect(namesOf(await search({ filter: 'metrics.fresh = 1' }))).toBe('late')
    await app.ann('POST', `/metrics/${runId}`, { name: 'fresh', value: 2, step: 1 })
    expect(namesOf(await search({ filter: 'metrics.fresh = 2' }))).toBe('late')
    const started = app.clock.now()
    app.clock.advance(10 * 60 * 1000)
    const crashed = 'name = "late" and status = "crashed"'
    expect(namesOf(await search({ filter: `${crashed} and duration = 0` }))).toBe('late')
    await app.ann('POST', `/runs/${runId}/heartbeat`)
    const seconds = (app.clock.now() - started) / 1000
    expect(namesOf(await search({ filter: crashed }))).toBe('')
    const alive = `name = "late" and status = "running" and duration = ${seconds}`
    expect(namesOf(await search({ filter: alive }))).toBe('late')
    await app.ann('DELETE', `/runs/${runId}`)
    expect(namesOf(await search({ filter: 'metrics.fresh = 2' }))).toBe('')
  })

  test('later pages see the runs as the first one did', async () => {
    const all = (await search({}))['runs'] as unknown as { id: number; ended_at: unknown }[]
    const running = all.filter((run) => run.ended_at === null)
    for (const { id } of running) await app.ann('POST', `/runs/${id}/heartbeat`)
    const order_by = ['status', 'name']
    const first = await search({ order_by, limit: 3 })
    app.clock.advance(10 * 60 * 1000)
    const cursor: unknown = first['next_cursor']
    const second = await search({ order_by, limit: 3, cursor })
    expect([namesOf(first), namesOf(second)]).toEqual(['efa', 'bcd'])
  })

  test('shows nobody what is not theirs', async () => {
    const { body } = await app.bob('POST', '/runs/search', {})
    expect(body).toEqual({ runs: [], next_cursor: null, total: 0 } as unknown as Json)
    const refused = await app.bob('POST', '/runs/search', { project_id: projectId })
    expect(refused.status).toBe(404)
    expect((await app.nobody('POST', '/runs/search', {})).status).toBe(401)
    const all = await app.root('POST', '/runs/search', { order_by: ['name'] })
    expect(namesOf(all.body)).toBe('abcdef')
    await app.ann('PUT', `/projects/${projectId}`, { is_public: true })
    const readable = await app.bob('POST', '/runs/search', { project_id: projectId, limit: 1 })
    expect(readable.body['total'] as unknown).toBe(6)
    expect((await app.bob('POST', '/runs/search', {})).body['total'] as unknown).toBe(0)
  })

  test.each([
    [{ filter: 'metrics.loss <' }, 'filter needs a value at position 15'],
    [{ order_by: ['loss'] }, /^order_by has the unknown field "loss"/],
    [{ cursor: 'x' }, /^cursor does not belong to this search/],
    [{ limit: 0 }, /limit/],
    [{ limit: 1001 }, /limit/],
    [{ metrics: ['a\0'] }, /metrics/],
  ])('refuses %j', async (query, detail) => {
    const { status, body } = await app.ann('POST', '/runs/search', query)
    expect({ status, detail: body['detail'] as unknown }).toEqual({
      status: 400,
      detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
    })
  })

  test('the longest lists and chains are answered', async () => {
    const many = (count: number, text: string, sign: string): string =>
      Array<string>(count).fill(text).join(sign)
    for (const filter of [
      `id in (${many(1000, '-1', ',')}) or name = "a"`,
      `metrics.loss in (${many(999, '9', ',')}, 1) and tags not in (${many(100, '"b"', ',')})`,
      `params.lr in (${many(500, '9', ',')}, 0.1, ${many(300, '"b"', ',')}) and name = "a"`,
      `${many(99, 'metrics.x > 1', ' or ')} or name = "a"`,
      `${'('.repeat(50)}name = "a"${')'.repeat(50)}`,
    ]) {
      expect(namesOf(await search({ filter }))).toBe('a')
    }
  })

  test('no question brings the database to a stop', async () => {
    const fields = [
      'metrics.loss',
      'metrics.loss.min',
      'params.lr',
      'params.opt.name',
      'tags',
      'id',
    ]
    const more = ['name', 'notes', 'status', 'duration', 'started_at', 'project_id', 'ended_at']
    const values = ['1', '-0.5', '1e400', '-inf', 'nan', '"a"', '"%_!"', 'true', '9e99', '"\0"']
    const times = ['"2026-01-01"', '"running"', "'it''s'", '9007199254740993']
    const operators = ['=', '!=', '<', '>=', '~', 'contains']
    const statuses = new Set<number>()
    for (const field of [...fields, ...more]) {
      for (const value of [...values, ...times]) {
        const tests = [
          ...operators.map((operator) => `${field} ${operator} ${value}`),
          `${field} in (${value}, ${value})`,
        ]
        for (const filter of tests) {
          const query = { filter: `not (${filter}) or ${field} is null`, limit: 1 }
          const { status } = await app.ann('POST', '/runs/search', query)
          statuses.add(status)
        }
      }
    }
    expect([...statuses].sort()).toEqual([200, 400])
  })

  test('a cursor belongs to its search, and cannot be made up', async () => {
    const order_by = ['metrics.loss', 'created_at', 'name']
    const { next_cursor } = (await search({ order_by, limit: 1 })) as unknown as {
      next_cursor: string
    }
    const parts = JSON.parse(Buffer.from(next_cursor, 'base64url').toString()) as unknown[]
    const forge = (i: number, part: unknown): string =>
      Buffer.from(JSON.stringify(parts.with(i, part))).toString('base64url')
    const forged = [
      forge(1, 1.5),
      forge(3, '1'),
      forge(4, []),
      forge(4, ['x', 1, 'a']),
      forge(4, [1, 1.5, 'a']),
      forge(4, [1, 1, 'a\0']),
      forge(4, [1, 1, {}]),
    ]
    for (const cursor of forged) {
      expect((await app.ann('POST', '/runs/search', { order_by, cursor })).status).toBe(400)
    }
    const other = { order_by: ['name'], cursor: next_cursor }
    expect((await app.ann('POST', '/runs/search', other)).status).toBe(400)
  })
})
