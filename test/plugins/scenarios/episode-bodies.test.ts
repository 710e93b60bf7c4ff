/** What is asked of single episodes is read whole: a misspelt key would mean the usual value. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openDesk } from './gateway/desk.ts'

let desk: Awaited<ReturnType<typeof openDesk>>
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk[Symbol.asyncDispose]())

const episodes = '/api/scenarios/customer_support/episodes'

test.each([
  [
    episodes,
    { spilt: 'train' },
    'body.spilt is not known; there are player, model_id, split, episode',
  ],
  [episodes, { player: 'oracle', model_id: 'model_1' }, 'One of them plays'],
  [`${episodes}/rescore`, { epsiodes: [1] }, 'body.epsiodes is not known'],
  ['/api/agents/rollouts', { scenario_id: 'catch', sample: 1 }, 'body.sample is not known'],
])('POST %s %j', async (path, body, why) => {
  const reply = await desk.plugin.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect([reply.status, await reply.text()]).toEqual([422, expect.stringContaining(why)])
})
