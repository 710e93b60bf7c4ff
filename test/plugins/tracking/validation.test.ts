/** What does not fit is refused with 400 and a sentence, whatever the part of the request. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openTracking, type TrackingUnderTest } from './fixture.ts'

let server: TrackingUnderTest
let project: number
let run: number
beforeAll(async () => {
  server = await openTracking()
  project = await server.project()
  run = await server.run({}, project)
})
afterAll(() => server.stop())

const long = (length: number): string => 'x'.repeat(length)

const cases: readonly [method: string, path: string, body: unknown, detail: string][] = [
  ['GET', '/projects/?skip=-1', undefined, 'query.skip: must be an integer of 0 or more'],
  ['GET', '/projects/?skip=abc', undefined, 'query.skip'],
  ['GET', '/projects/?skip=1.5', undefined, 'query.skip'],
  ['GET', '/projects/?skip=', undefined, 'query.skip'],
  ['GET', '/projects/?skip=99999999999999999999', undefined, 'query.skip'],
  ['GET', '/projects/?limit=0', undefined, 'query.limit: must be an integer from 1 to 1000'],
  ['GET', '/projects/?limit=1001', undefined, 'query.limit'],
  ['GET', '/projects/?deleted=maybe', undefined, 'query.deleted: must be true or false'],
  ['GET', '/projects/abc', undefined, 'path.project_id: must be a positive integer'],
  ['GET', '/projects/-1', undefined, 'path.project_id'],
  ['GET', '/projects/1e3', undefined, 'path.project_id'],
  ['GET', '/projects/9007199254740993', undefined, 'path.project_id'],
  ['POST', '/projects/', undefined, 'The body is not valid JSON'],
  ['POST', '/projects/', '{"name"', 'The body is not valid JSON'],
  ['POST', '/projects/', [], 'body.name: must be 1 to 200 characters'],
  ['POST', '/projects/', 'null', 'body'],
  ['POST', '/projects/', {}, 'body.name: must be 1 to 200 characters'],
  ['POST', '/projects/', { name: '' }, 'body.name'],
  ['POST', '/projects/', { name: ' \t ' }, 'body.name'],
  ['POST', '/projects/', { name: 5 }, 'body.name'],
  ['POST', '/projects/', { name: long(201) }, 'body.name'],
  ['POST', '/projects/', { name: 'a\u0000b' }, 'body.name'],
  ['POST', '/projects/', { name: 'x', description: 5 }, 'body.description: must be text'],
  ['POST', '/projects/', { name: 'x', description: '\u0000' }, 'body.description'],
  ['POST', '/projects/', { name: 'x', is_public: 'yes' }, 'body.is_public'],
  ['PUT', '/projects/PROJECT', { name: null }, 'body.name'],
  ['POST', '/runs/', { name: 'x' }, 'query.project_id: is required'],
  ['POST', '/runs/?project_id=x', { name: 'x' }, 'query.project_id: must be an integer'],
  ['POST', '/runs/?project_id=PROJECT', {}, 'body.name: must be 1 to 250 characters'],
  ['POST', '/runs/?project_id=PROJECT', { name: long(251) }, 'body.name'],
  [
    'POST',
    '/runs/?project_id=PROJECT',
    { name: 'x', config: [] },
    'body.config: must be an object',
  ],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', config: 5 }, 'body.config'],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', tags: 'a' }, 'body.tags: must be an array'],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', tags: [1] }, 'body.tags'],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', tags: ['a\u0000'] }, 'body.tags'],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', run_key: '' }, 'body.run_key'],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', started_at: 'soon' }, '"soon" is not a time'],
  ['POST', '/runs/?project_id=PROJECT', { name: 'x', environment: 'x' }, 'body.environment'],
  ['GET', '/runs/?project_id=0', undefined, 'query.project_id'],
  ['GET', '/runs/?status=done', undefined, 'query.status: must be one of running, completed'],
  ['GET', '/runs/?tag=%00', undefined, 'query: must not hold NUL'],
  ['GET', '/runs/?filter=lr', undefined, 'filter'],
  ['GET', '/runs/?order_by=nothing', undefined, 'order_by'],
  ['PUT', '/runs/RUN', { status: 'done' }, 'body.status: must be one of running, completed'],
  ['PUT', '/runs/RUN', { status: null }, 'body.status'],
  ['PUT', '/runs/RUN', { ended_at: 5 }, 'body.ended_at: must be a string'],
  ['PUT', '/runs/RUN', { ended_at: '2023-02-30' }, '"2023-02-30" is not a time'],
  ['DELETE', '/runs/RUN?permanent=2', undefined, 'query.permanent: must be true or false'],
  ['POST', '/runs/RUN/resume', { from_step: 'x' }, 'body.from_step: must be an integer'],
  ['POST', '/runs/RUN/resume', [], 'body: must be an object'],
  ['POST', '/runs/RUN/fork', { step: 0.5 }, 'body.step: must be an integer'],
  ['POST', '/runs/RUN/fork', { name: '' }, 'body.name: must not be empty'],
  ['POST', '/runs/RUN/console', { stream: 'x', text: '' }, 'body.stream: must be one of stdout'],
  ['POST', '/runs/RUN/console', { stream: 'stdout' }, 'body.text: must be a string'],
  ['GET', '/runs/RUN/console?since=-1', undefined, 'query.since'],
  ['POST', '/metrics/RUN', {}, 'body.name: must be a string'],
  ['POST', '/metrics/RUN', '{"name":"a","value":nan}', 'The body is not valid JSON'],
  ['POST', '/metrics/RUN', { name: 'a', value: null }, 'body.value: must be a number'],
  ['POST', '/metrics/RUN/batch', {}, 'body.metrics: must be an object'],
  ['POST', '/metrics/RUN/batch', { series: [{}] }, 'body.series.0.values: must be an array'],
  ['GET', '/metrics/RUN?limit=10001', undefined, 'query.limit: must be an integer from 1 to 10000'],
  ['GET', '/metrics/RUN?skip=-1', undefined, 'query.skip'],
  ['GET', '/metrics/RUN/chart', undefined, 'query.names: is required'],
  ['GET', '/metrics/RUN/chart?names=a&buckets=0', undefined, 'query.buckets'],
  ['GET', '/metrics/RUN/chart?names=a&from=2&to=1', undefined, 'query.from: must not be above'],
  ['GET', '/metrics/RUN/history/%zz', undefined, 'path.metric_name: is not correctly encoded'],
  ['GET', '/metrics/x/summary', undefined, 'path.run_id: must be a positive integer'],
]

test.each(cases)('%s %s %j', async (method, path, body, detail) => {
  const target = path.replace('PROJECT', String(project)).replace('RUN', String(run))
  const reply = await server.ann(method, target, body)
  expect(reply.status).toBe(400)
  expect(String(reply.body['detail'])).toStartWith(detail)
})

test('the list of what is wrong stands beside the sentence', async () => {
  const reply = await server.ann('POST', '/projects/', { name: '', is_public: 5 })
  const name = 'must be 1 to 200 characters, not blank, without control characters'
  expect(reply.body).toEqual({
    detail: `body.name: ${name}; body.is_public: Expected boolean`,
    code: 'validation',
    errors: [
      { path: 'body.name', message: name },
      { path: 'body.is_public', message: 'Expected boolean' },
    ],
  } as never)
})

test('unknown fields are ignored, and known ones not forgotten', async () => {
  const reply = await server.ann('PUT', `/projects/${project}`, { colour: 'red', name: 'New' })
  expect([reply.status, reply.body['name']]).toEqual([200, 'New' as never])
})
