/** Whatever is wrong with a request, the answer is the envelope, and never an error of ours. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { oneStep } from './journal.ts'
import { answer, created, failure, open, storeOf } from './rig.ts'

let app: PluginUnderTest
let id: string
beforeAll(async () => {
  app = await open({ settings: { maxBodyBytes: 4096 } })
  id = (await created(app.fetch)).id
  await storeOf(app).append(id, () => oneStep)
})
afterAll(() => app.stop())

const json = { 'content-type': 'application/json' }
const ask = async (
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = json,
) => {
  const reply = await app.fetch(path.replace('ID', id), {
    method,
    headers,
    ...(body !== undefined && { body }),
  })
  expect(reply.headers.get('content-type')).toStartWith('application/json')
  return answer(reply)
}

const missing = failure(404, 'EXPERIMENT_NOT_FOUND', 'Experiment does not exist')
const noFile = failure(404, 'FILE_NOT_FOUND', 'File does not exist')
const noNode = (node: string) => failure(404, 'NOT_FOUND', `There is no node ${node}`)
const noPath = failure(404, 'NOT_FOUND', 'Not found: no such path')
const noMethod = failure(405, 'METHOD_NOT_ALLOWED', 'Method not allowed')

test.each<[string, string, unknown]>([
  ['GET', '/api/experiments/%zz', missing],
  ['GET', '/api/experiments/%zz/results', missing],
  ['DELETE', '/api/experiments/%00', missing],
  ['POST', '/api/experiments/%E0%A4%A/start', missing],
  ['GET', '/api/experiments/..%2F..%2Fetc', missing],
  [`GET`, `/api/experiments/${'x'.repeat(4000)}`, missing],
  ['GET', '/api/experiments/ID/nodes/node_9', noNode('node_9')],
  ['GET', '/api/experiments/ID/nodes/%zz', noNode('of this id')],
  ['GET', '/api/experiments/ID/nodes/%00', noNode('\0')],
  [
    'GET',
    '/api/experiments/ID/nodes/node_1/artifacts/%zz',
    failure(404, 'NOT_FOUND', 'The node left no such file'),
  ],
  [
    'GET',
    '/api/experiments/ID/nodes/node_1/artifacts/..%2f..%2fsolution.py',
    failure(404, 'NOT_FOUND', 'The node left no such file'),
  ],
  ['GET', '/api/files/%zz', noFile],
  ['GET', '/api/files/%zz/download', noFile],
  ['GET', '/api/files/file_1', failure(404, 'FILE_NOT_FOUND', 'There is no file file_1')],
  ['GET', '/api/experiments/ID/nope', noPath],
  ['GET', '/api/files/a/b/c', noPath],
  ['GET', '/api/config/nope', noPath],
  ['PUT', '/api/experiments', noMethod],
  ['GET', '/api/upload', noMethod],
  ['DELETE', '/api/config', noMethod],
])('%s %s', async (method, path, expected) => {
  expect(await ask(method, path)).toEqual(expected as never)
})

const notJson = failure(400, 'VALIDATION_ERROR', 'The body is not valid JSON')
const expected = (status: number, code: string) => ({ status, body: { error: { code } } })

const bodies: [string, string, string | undefined, Record<string, string>, unknown][] = [
  ['POST', '/api/experiments', '{"name":', json, notJson],
  ['PATCH', '/api/experiments/ID', '{', json, notJson],
  ['POST', '/api/config/validate-api-key', 'sk-1', json, notJson],
  [
    'POST',
    '/api/experiments',
    '{"name":"\\u0000","goal":"g"}',
    json,
    expected(422, 'VALIDATION_ERROR'),
  ],
  [
    'POST',
    '/api/experiments',
    '{"name":"n","goal":"\\u0000g"}',
    json,
    expected(422, 'VALIDATION_ERROR'),
  ],
  ['POST', '/api/experiments', 'null', json, expected(422, 'VALIDATION_ERROR')],
  ['POST', '/api/experiments', '[]', json, expected(422, 'VALIDATION_ERROR')],
  ['POST', '/api/experiments', undefined, {}, expected(422, 'VALIDATION_ERROR')],
  ['POST', '/api/experiments/ID/extend', '"3"', json, expected(422, 'VALIDATION_ERROR')],
  [
    'POST',
    '/api/experiments',
    'a: 1',
    { 'content-type': 'text/yaml' },
    expected(415, 'VALIDATION_ERROR'),
  ],
  [
    'POST',
    '/api/experiments',
    JSON.stringify({ name: 'n', goal: 'x'.repeat(5000) }),
    json,
    failure(413, 'FILE_TOO_LARGE', 'The body is larger than 4096 bytes'),
  ],
]

test.each(
  bodies.map(([method, path, body, headers, wanted]) => ({ method, path, body, headers, wanted })),
)('$method $path with $body', async ({ method, path, body, headers, wanted }) => {
  expect(await ask(method, path, body, headers)).toMatchObject(wanted as never)
})

test('names, goals and settings of any script come back as they were', async () => {
  const text = 'Häuser \u{1f3e0} "preise" \\ </script> %zz ${x} {{y}}'
  const made = await created(app.fetch, { name: text, goal: text, eval: text, target: text })
  const { body } = await answer(await app.fetch(`/api/experiments/${made.id}`))
  expect(body).toMatchObject({
    data: { name: text, goal: text, eval: text, settings: { target: text } },
  })
})
