/** A network over HTTP: brought, asked in every way, refused where it must be, deleted. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { choose } from '../../../../plugins/scenarios/models/choice.ts'
import { onnxOf } from '../../../../plugins/scenarios/models/onnx.ts'
import { play } from '../../../../plugins/scenarios/episodes/play.ts'
import { Policy } from '../../../../plugins/scenarios/models/policy.ts'
import { openDesk } from '../gateway/desk.ts'
import { networkFor, policyFile, rowsOf } from './networks.ts'

const file = policyFile(4)
const onnx = onnxOf(file, 'digest')
const [row = [], other = []] = rowsOf(2)

let desk: Awaited<ReturnType<typeof openDesk>>
let id = ''

const call = async (method: string, path: string, body?: object) => {
  const isJson = body !== undefined && !(body instanceof Uint8Array)
  const reply = await desk.plugin.fetch(path, {
    method,
    ...(body !== undefined && {
      body: isJson ? JSON.stringify(body) : new Blob([body as Uint8Array<ArrayBuffer>]),
    }),
    ...(isJson && { headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
}
const act = (body: object) => call('POST', `/api/models/${id}/act`, body)

beforeAll(async () => {
  desk = await openDesk()
  const brought = await call('POST', '/api/models?name=mine', onnx)
  id = String(brought.body['id'])
})
afterAll(() => desk[Symbol.asyncDispose]())

test('what is brought is a model with its real size and digest', async () => {
  const sha256 = new Bun.CryptoHasher('sha256').update(onnx).digest('hex')
  const { body } = await call('GET', `/api/models/${id}`)
  expect(body).toMatchObject({
    name: 'mine',
    version: 1,
    kind: 'policy',
    size_mb: onnx.length / 1e6,
    artifacts: [{ path: 'model/policy.onnx', sha256, size: onnx.length }],
  })
})

test('it acts alone, behind a mask and in rows, as its layers say', async () => {
  const own = new Policy(file)
  const of = (seen: number[], open: number[] | null = null) => {
    const { action, probabilities } = choose(own.logits(seen), open, [])
    const close = probabilities.map((share) => expect.closeTo(share, 4))
    return { action, name: String(action), probabilities: close }
  }
  expect(await act({ observation: row })).toEqual({ status: 200, body: of(row) })
  const open = [1, 1, 1, 1]
  open[of(row).action] = 0
  const masked = await act({ observation: row, mask: open })
  expect(masked.body).toEqual(of(row, open))
  expect(masked.body['action']).not.toBe(of(row).action)
  const rows = await act({ observations: [row, other] })
  expect(rows.body).toEqual({ actions: [of(row), of(other)] })
  const half = await act({ observations: [row, other], masks: [open, [1, 1, 1, 1]] })
  expect(half.body).toEqual({ actions: [of(row, open), of(other)] })
})

test.each([
  [{ observation: [1, 2] }, 'observation must have 6 numbers, not 2'],
  [{ observations: [row, [1]] }, 'observations must have 6 numbers, not 1'],
  [{ observation: row, mask: [1] }, 'mask must have 4 numbers, not 1'],
  [{ observation: row, mask: [0, 0, 0, 0] }, 'mask leaves no action'],
  [{ observation: [0, 0, 0, 1e300, 0, 0] }, 'observation.3 must be within float32, not 1e+300'],
  [{ observations: [row, [-3.5e38, 0, 0, 0, 0, 0]] }, 'observations.1.0 must be within float32'],
  [{ observation: row, masks: [[1, 1, 1, 1]] }, 'mask with one observation'],
  [{ observations: [row], mask: [1, 1, 1, 1] }, 'masks with observations'],
  [{ observations: [row, other], masks: [[1, 1, 1, 1]] }, 'masks must be 2'],
  [{ observations: [row], masks: [[0, 0, 0, 0]] }, 'masks.0 leaves no action'],
  [{ observation: row, msak: [1] }, 'body.msak is not known'],
  [{ observation: ['a'] }, ''],
  [{}, ''],
])('%j is refused', async (body, why) => {
  const reply = await act(body)
  expect(reply.status).toBe(422)
  expect(JSON.stringify(reply.body)).toContain(why)
})

test.each([
  ['?name=x', new TextEncoder().encode('nothing'), 409, 'cannot be used'],
  ['?name=x', new Uint8Array(), 409, 'cannot be used'],
  ['?name=x&scenario=nobody', onnx, 404, 'not found'],
  ['?name=x&scenario=catch', onnx, 422, 'the network 6 and 4'],
  ['', onnx, 422, 'name'],
])('%s is not kept', async (query, bytes, status, why) => {
  const reply = await call('POST', `/api/models${query}`, bytes)
  expect([reply.status, JSON.stringify(reply.body)]).toEqual([status, expect.stringContaining(why)])
  expect(await call('GET', '/api/models')).toMatchObject({ body: [{ id }] })
})

test('of a scenario it has its actions; deleted it is gone at once', async () => {
  const { spec } = scenarioOf('catch')!
  const network = networkFor('catch')
  const made = await call('POST', '/api/models?name=catcher&scenario=catch', network.onnx)
  expect(made).toMatchObject({ status: 200, body: { scenario: 'catch' } })
  const path = `/api/models/${String(made.body['id'])}`
  const observation = new Array<number>(spec.observations).fill(0)
  const { action } = new Policy(network.file).act(observation, null)
  const acted = await call('POST', `${path}/act`, { observation })
  expect(acted).toMatchObject({ status: 200, body: { action, name: spec.actions[action] } })
  expect((await call('DELETE', path)).body).toEqual({ status: 'deleted' })
  expect((await call('POST', `${path}/act`, { observation })).status).toBe(404)
  expect((await call('GET', `${path}/export`)).status).toBe(404)
})

test('an episode is played by a network that is its ONNX file alone', async () => {
  const { file, onnx } = networkFor('customer_support')
  const query = 'name=agent&scenario=customer_support'
  const made = await call('POST', `/api/models?${query}`, onnx)
  const model_id = String(made.body['id'])
  const url = '/api/scenarios/customer_support/episodes'
  const played = await call('POST', url, { model_id, split: 'test', episode: 3 })
  const native = play(scenarioOf('customer_support')!, new Policy(file), 'test', 3)
  expect(played.body).toEqual({ ...native, n: expect.any(Number) as never })
  const kept = await call('GET', `${url}/${String(played.body['n'])}`)
  expect(kept.body).toMatchObject({ player: model_id, source: 'play', verdict: native.verdict })

  expect(await call('GET', `/api/models/${model_id}/export?format=json`)).toEqual({
    status: 409,
    body: {
      detail: 'The layers of the model are not known: it has an ONNX file only',
      code: 'conflict',
    },
  })
})

test('an episode is not played by who is of another scenario, or of none', async () => {
  const made = await call('POST', '/api/models?name=c&scenario=catch', networkFor('catch').onnx)
  const url = '/api/scenarios/customer_support/episodes'
  for (const [model_id, whose] of [
    [String(made.body['id']), 'catch'],
    [id, 'no scenario'],
  ]) {
    expect(await call('POST', url, { model_id })).toEqual({
      status: 409,
      body: { detail: `The model is of ${whose}, not of customer_support`, code: 'conflict' },
    })
  }
})

test('a network that fails in the middle of an episode fails it, with the reason', async () => {
  const { file } = networkFor('customer_support')
  const bias = Buffer.from(new Float32Array(file.actions.length).fill(Infinity).buffer)
  const layers = file.layers.map((layer) => ({ ...layer, bias: bias.toString('base64') }))
  const query = 'name=broken&scenario=customer_support'
  const made = await call('POST', `/api/models?${query}`, onnxOf({ ...file, layers }, 'digest'))
  const body = { model_id: String(made.body['id']) }
  expect(await call('POST', '/api/scenarios/customer_support/episodes', body)).toEqual({
    status: 409,
    body: { detail: 'The network of the model answers with what is no number', code: 'conflict' },
  })
})
