/** Runs side by side: what differs, and nothing of what the caller may not see. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openTracking, type TrackingUnderTest } from './fixture.ts'

let app: TrackingUnderTest
let ids: number[]

beforeAll(async () => {
  app = await openTracking()
  const project = await app.project()
  const configs = [
    { lr: 0.1, seed: 1, opt: { name: 'adam', betas: [0.9, 0.99] } },
    { lr: '0.1', seed: 1, opt: { name: 'adam', betas: [0.9, 0.99] }, __proto__x: true },
  ]
  ids = [
    await app.run({ config: configs[0] }, project),
    await app.run({ config: configs[1] }, project),
  ]
  await app.ann('POST', `/metrics/${ids[0]}/batch`, { metrics: { loss: 2, acc: 0.5 }, step: 1 })
  await app.ann('POST', `/metrics/${ids[0]}`, { name: 'loss', value: 1, step: 2 })
  await app.ann('POST', `/metrics/${ids[1]}`, { name: 'loss', value: 'NaN', step: 1 })
})
afterAll(() => app.stop())

test('parameters by run, metrics by run, and the keys that differ', async () => {
  const [a, b] = ids as [number, number]
  const { status, body } = await app.ann('GET', `/runs/compare?ids=${b},${a},${b}`)
  const { runs, ...rest } = body as unknown as { runs: { id: number }[] }
  expect([status, runs.map(({ id }) => id)]).toEqual([200, [b, a]])
  expect(rest as object).toEqual({
    params: {
      __proto__x: { [b]: true },
      lr: { [a]: 0.1, [b]: '0.1' },
      'opt.betas': { [a]: [0.9, 0.99], [b]: [0.9, 0.99] },
      'opt.name': { [a]: 'adam', [b]: 'adam' },
      seed: { [a]: 1, [b]: 1 },
    },
    metrics: {
      acc: { [a]: { last: 0.5, min: 0.5, max: 0.5, mean: 0.5, count: 1 } },
      loss: {
        [a]: { last: 1, min: 1, max: 2, mean: 1.5, count: 2 },
        [b]: { last: 'NaN', min: null, max: null, mean: null, count: 1 },
      },
    },
    differing: ['__proto__x', 'lr'],
  })
})

test('only the metrics that were asked for', async () => {
  const { body } = await app.ann('GET', `/runs/compare?ids=${ids[0]}&ids=${ids[1]}&names=acc`)
  expect(Object.keys(body['metrics'] as unknown as object)).toEqual(['acc'])
})

test.each(['', '?ids=', '?ids=0', '?ids=1,x', '?ids=-1', '?ids=99999999999999999999'])(
  'refuses %j',
  async (query) => {
    expect((await app.ann('GET', `/runs/compare${query}`)).status).toBe(400)
  },
)

test('refuses more than 100 runs, and runs of others', async () => {
  const many = Array.from({ length: 101 }, (_, i) => i + 1).join()
  expect((await app.ann('GET', `/runs/compare?ids=${many}`)).status).toBe(400)
  expect((await app.bob('GET', `/runs/compare?ids=${ids[0]}`)).status).toBe(404)
  expect((await app.nobody('GET', `/runs/compare?ids=${ids[0]}`)).status).toBe(401)
})
