/** What the routes of scenarios refuse, and how they say it; keys go in and never come out. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({ dataDir: join(folder.path, 'data'), env: { LOG_LEVEL: 'error' } })
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

describe('what is refused', () => {
  test.each([
    ['POST', '/api/training/start', { scenario_id: 'nobody', framework: 'Native' }, 404],
    ['POST', '/api/training/start', { scenario_id: 'cartpole', framework: 'native' }, 422],
    ['POST', '/api/training/start', { scenario_id: 'cartpole', framework: 'CrewAI' }, 409],
    [
      'POST',
      '/api/training/start',
      { scenario_id: 'cartpole', framework: 'Native', learning_rate: 0 },
      422,
    ],
    [
      'POST',
      '/api/training/start',
      { scenario_id: 'catch', framework: 'Native', algorithm: 'ppo', gpus: 1 },
      422,
    ],
    [
      'POST',
      '/api/training/start',
      { scenario_id: 'catch', framework: 'LangChain', algorithm: 'torch-ppo' },
      409,
    ],
    ['GET', '/api/training/session_9_9', undefined, 404],
    ['GET', '/api/training/session_9_9/evaluate', undefined, 404],
    ['GET', '/api/training/session_9_9/evaluate?episodes=0', undefined, 422],
    ['POST', '/api/training/session_9_9/pause', undefined, 404],
    ['GET', '/api/models/model_9_9', undefined, 404],
    ['DELETE', '/api/models/model_9_9', undefined, 404],
    ['GET', '/api/scenarios/nobody', undefined, 404],
    ['PUT', '/api/settings', { learningRate: -4 }, 422],
    ['PUT', '/api/settings', { framework: 'nonsense' }, 422],
    ['PUT', '/api/settings', { maxEpisode: 3 }, 422],
    ['POST', '/api/training/start', { scenario_id: 'cartpole', max_epsodes: 3 }, 422],
  ] as const)('%s %s %o: %d', async (method, path, body, status) => {
    const reply = await call<{ detail: unknown }>(method, path, body)
    expect(reply.status).toBe(status)
    expect(reply.body.detail).toBeString()
  })
})

test('keys go in and never come out', async () => {
  const put = await call<Record<string, unknown>>('PUT', '/api/settings', {
    openaiKey: 'sk-secret',
    maxEpisodes: 300,
  })
  expect(put.body).toMatchObject({ openaiKey: '********', maxEpisodes: 300, learningRate: 0.001 })
  const { body } = await call<Record<string, unknown>>('GET', '/api/settings')
  expect(body).toEqual(put.body)
})
