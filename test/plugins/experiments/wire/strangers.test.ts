/** Experiments of others are as unknown as those that never were. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { answer, created, failure, open, sendJson } from './rig.ts'

let app: PluginUnderTest
beforeAll(async () => {
  app = await open()
})
afterAll(() => app.stop())

const missing = failure(404, 'EXPERIMENT_NOT_FOUND', 'Experiment does not exist')

const routes: [string, string, unknown?][] = [
  ['GET', ''],
  ['GET', '/status'],
  ['PATCH', '', { name: 'n' }],
  ['DELETE', ''],
  ['GET', '/results'],
  ['GET', '/tree.html'],
  ['GET', '/tree-visualization'],
  ['GET', '/nodes/node_1'],
  ['GET', '/nodes/node_1/artifacts/a'],
  ['GET', '/solution.py'],
  ['GET', '/report'],
  ['GET', '/journal'],
  ['GET', '/events'],
  ['GET', '/calls'],
  ['GET', '/export'],
  ['POST', '/start'],
  ['POST', '/stop'],
  ['POST', '/pause'],
  ['POST', '/resume'],
  ['POST', '/extend', { steps: 1 }],
  ['POST', '/instructions', { text: 't' }],
  ['POST', '/nodes', { code: 'pass' }],
  ['POST', '/nodes/node_1/pin'],
  ['POST', '/nodes/node_1/unpin'],
  ['POST', '/nodes/node_1/prune'],
  ['POST', '/nodes/node_1/restore'],
  ['POST', '/nodes/node_1/branch'],
  ['POST', '/nodes/node_1/approve'],
]

// A row that is one short would have the third parameter taken for a callback.
test.each(routes.map(([method, rest, body]) => [method, rest, body] as const))(
  '%s %s: others’ experiments and unknown ones are 404',
  async (method, rest, body) => {
    const { id } = await created((await app.as('ada')).fetch)
    await app.as('bob')
    const { fetch } = await app.as('carol')
    for (const unknown of [id, 'exp_000000000000', '%00', '%zz']) {
      const reply = await sendJson(fetch, method, `/api/experiments/${unknown}${rest}`, body)
      expect(await answer(reply)).toEqual(missing)
    }
  },
)
