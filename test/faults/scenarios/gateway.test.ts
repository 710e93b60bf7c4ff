/** Agents of real clients at a real server: they play as the policy, teach, and outlive a crash. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { scenarioOf } from '../../../plugins/scenarios/catalogue.ts'
import { play } from '../../../plugins/scenarios/episodes/play.ts'
import { Policy } from '../../../plugins/scenarios/models/policy.ts'
import type { PolicyFile } from '../../../plugins/scenarios/models/policy-file.ts'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { type TemporaryFolder, temporaryFolder } from '../../../scripts/temporary.ts'
import { type Agent, langChain, type Offer, openAi } from './clients.ts'

const found = scenarioOf('customer_support')
if (!found) throw new Error('There is no desk')
const scenario = found

let folder: TemporaryFolder
let hearth: Hearth
const start = () => startHearth({ dataDir: join(folder.path, 'data'), env: { LOG_LEVEL: 'error' } })

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await start()
})
afterAll(async () => {
  await hearth.end('SIGKILL')
  await folder[Symbol.asyncDispose]()
})

const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    ...(body && { headers, body: JSON.stringify(body) }),
  })
  return (await reply.json()) as T
}

const begin = (episode: number, more: object): Promise<Offer> =>
  call('POST', '/api/agents/rollouts', { scenario_id: 'customer_support', episode, ...more })

interface Ended {
  readonly status: string
  readonly verdict: object
  readonly reward: number
}
const end = (id: string): Promise<Ended> => call('POST', `/api/agents/rollouts/${id}/end`)

interface Status {
  readonly status: string
  readonly model_id: string | null
  readonly accuracy: number
  readonly error: string | null
}

const train = async (settings: object): Promise<Status> => {
  const { session_id } = await call<{ session_id: string }>('POST', '/api/training/start', {
    scenario_id: 'customer_support',
    framework: 'Native',
    ...settings,
  })
  let now: Status | undefined
  await waitUntil(
    'the model',
    async () => {
      now = await call<Status>('GET', `/api/training/${session_id}`)
      return now.status !== 'running'
    },
    60_000,
  )
  if (!now) throw new Error('There is no status')
  return now
}

test('clients play a trained policy as it plays itself, whole or streamed', async () => {
  const { model_id: model } = await train({ max_episodes: 200, algorithm: 'bc' })
  const file = await call<PolicyFile>('GET', `/api/models/${model}/export?format=json`)
  const policy = new Policy(file)
  const clients: Readonly<Record<string, Agent>> = {
    openai: openAi(false),
    'openai, streamed': openAi(true),
    langchain: langChain(false),
    'langchain, streamed': langChain(true),
  }
  for (const [name, agent] of Object.entries(clients)) {
    for (let episode = 0; episode < 8; episode++) {
      const offer = await begin(episode, { split: 'test', model })
      expect(await agent(offer)).toBe('The episode is over.')
      const { verdict, reward } = await end(offer.rollout_id)
      const native = play(scenario, policy, 'test', episode)
      expect({ name, episode, verdict, reward }).toEqual({
        name,
        episode,
        verdict: native.verdict,
        reward: native.reward,
      })
    }
  }
  const drawing = openAi(false)
  for (const sample_seed of [1, 2, 3]) {
    for (let episode = 0; episode < 6; episode++) {
      await drawing(await begin(episode, { split: 'validation', model, sample_seed }))
    }
  }
  const kept = `/api/scenarios/customer_support/episodes/summary?split=validation&player=${model}`
  const { pass_hat, ...summary } = await call<Summary>('GET', kept)
  expect(summary).toMatchObject({ episodes: 18, seeds: 6 })
  expect(pass_hat['1']).toBeCloseTo(summary.successes / 18)
  expect(pass_hat['2']).toBeLessThanOrEqual(pass_hat['1'] ?? 0)
  expect(pass_hat['3']).toBeLessThanOrEqual(pass_hat['2'] ?? 0)
}, 120_000)

interface Summary {
  readonly successes: number
  readonly pass_hat: Readonly<Record<string, number>>
}

test('a rollout outlives the server that is killed in the middle of it', async () => {
  const offer = await begin(11, { split: 'test', model: 'oracle', rollout_id: 'crossing' })
  const path = '/api/agents/rollouts/crossing'
  const asked = { model: 'any', messages: [{ role: 'user', content: offer.user }] }
  type Answer = { choices: { message: { tool_calls: { function: Called }[] } }[] }
  type Called = { name: string; arguments: string }
  const answer = await call<Answer>('POST', `${path}/v1/chat/completions`, asked)
  const tool = answer.choices[0]?.message.tool_calls[0]?.function
  if (!tool) throw new Error('It called no tool')
  await call('POST', `${path}/tools/${tool.name}`, JSON.parse(tool.arguments) as object)
  await hearth.end('SIGKILL')
  hearth = await start()
  const again = await begin(11, { split: 'test', model: 'oracle', rollout_id: 'crossing' })
  expect(again.user).toBe(offer.user)
  expect(await openAi(false)(again)).toBe('The episode is over.')
  const native = play(scenario, 'oracle', 'test', 11)
  const shown = await call<{ steps: { name: string }[]; verdict: object }>('GET', path)
  expect({ steps: shown.steps.map(({ name }) => name), verdict: shown.verdict }).toEqual({
    steps: native.steps.map(({ name }) => name),
    verdict: native.verdict,
  })
}, 60_000)

test('what agents did well is learned from, what they did badly is not', async () => {
  const teach = { algorithm: 'bc', max_episodes: 300, demonstrations: 'recorded' }
  const asked = { scenario_id: 'customer_support', framework: 'Native', ...teach }
  const bad = Array.from({ length: 30 }, (_, n) => n)
  await Promise.all(
    bad.map(async (n) => end((await begin(n, { split: 'train', model: 'oracle' })).rollout_id)),
  )
  expect(await call<object>('POST', '/api/training/start', asked)).toEqual({
    detail:
      '0 of your episodes of customer_support can be learned from, 20 are needed: of the train ' +
      'split, successful, of this version, each of another seed',
    code: 'conflict',
  })
  const agent = openAi(false)
  for (let first = 0; first < 200; first += 20) {
    const some = Array.from({ length: 20 }, (_, i) => first + i)
    await Promise.all(
      some.map(async (n) => agent(await begin(1_000 + n, { split: 'train', model: 'oracle' }))),
    )
  }
  const { status, error, accuracy } = await train(teach)
  expect({ status, error }).toEqual({ status: 'completed', error: null })
  expect(accuracy).toBeGreaterThan(90)
}, 120_000)
