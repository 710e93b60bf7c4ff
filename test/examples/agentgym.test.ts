/** The clients that AgentGym's document prints, and what its page reads, against a server. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'

const timeoutMs = 120_000
const python = process.env['HEARTH_TEST_PYTHON'] ?? 'python3'
let folder: TemporaryFolder
let hearth: Hearth

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({ dataDir: join(folder.path, 'data') })
}, timeoutMs)

afterAll(async () => {
  await hearth?.end()
  await folder?.[Symbol.asyncDispose]()
})

interface Status {
  readonly session_id: string
  readonly scenario_id: string
  readonly framework: string
  readonly status: string
  readonly current_episode: number
  readonly max_episodes: number
  readonly accuracy: number
  readonly avg_reward: number
  readonly loss: number
  readonly start_time: string
  readonly elapsed_time: string
}

const get = async <T>(path: string): Promise<T> =>
  (await fetch(`${hearth.origin}${path}`)).json() as Promise<T>

/** What a page does with numbers breaks on null. */
const shown = (status: Status) => ({
  session_id: status.session_id,
  scenario_id: status.scenario_id,
  framework: status.framework,
  status: status.status,
  progress: `${status.current_episode}/${status.max_episodes}`,
  accuracy: status.accuracy.toFixed(1),
  avg_reward: status.avg_reward.toFixed(2),
  loss: status.loss.toFixed(3),
  start_time: status.start_time,
  elapsed_time: status.elapsed_time,
})

testWith('python')(
  'the calls for Python begin a training, and the socket follows it to its end',
  async () => {
    const script = join(import.meta.dir, 'agentgym/training.py')
    const printed = await must([python, script, hearth.origin])
    const lines = printed.trim().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^Training session started: session_\d+_\d+$/),
      expect.stringMatching(/^Episode \d+\/200$/),
      expect.stringMatching(/^Accuracy: \d+\.\d\d%$/),
    ])
    const session = lines[0]?.split(' ').at(-1) ?? ''

    const ws = new WebSocket(`${hearth.origin.replace('http', 'ws')}/ws/training/${session}`)
    const updates: { type: string; data: Status }[] = []
    ws.onmessage = (event) => {
      updates.push(JSON.parse(String(event.data)))
    }
    await new Promise((resolve) => {
      ws.onclose = resolve
    })
    expect(new Set(updates.map(({ type }) => type))).toEqual(new Set(['training_update']))
    const last = updates.at(-1)?.data
    if (!last) throw new Error('The socket told nothing')
    expect(last).toEqual(await get(`/api/training/${session}`))
    expect(shown(last)).toEqual({
      session_id: session,
      scenario_id: 'customer_support',
      framework: 'LangChain',
      status: 'completed',
      progress: '200/200',
      accuracy: expect.stringMatching(/^\d+\.\d$/),
      avg_reward: expect.stringMatching(/^-?\d+\.\d\d$/),
      loss: expect.stringMatching(/^-?\d+\.\d{3}$/),
      start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/),
      elapsed_time: expect.stringMatching(/^\d+:\d\d:\d\d$/),
    })
    expect(last.accuracy).toBeGreaterThan(80)

    const models = await get<Record<string, unknown>[]>('/api/models')
    expect(models).toHaveLength(1)
    const [model] = models
    expect(await get<object>(`/api/models/${model?.['id']}`)).toEqual(model as object)
    expect(model).toMatchObject({
      id: expect.stringMatching(/^model_/),
      name: expect.any(String),
      scenario: 'customer_support',
      framework: 'LangChain',
      accuracy: expect.any(Number),
      episodes: 200,
      created_at: expect.any(String),
      size_mb: expect.any(Number),
    })
  },
  timeoutMs,
)

test('what the page lists has the types that it reads', async () => {
  const scenarios = await get<Record<string, unknown>[]>('/api/scenarios')
  expect(scenarios.length).toBeGreaterThanOrEqual(7)
  for (const scenario of scenarios) {
    expect(await get<object>(`/api/scenarios/${scenario['id']}`)).toEqual(scenario)
    expect(scenario).toMatchObject({
      id: expect.any(String),
      name: expect.any(String),
      description: expect.any(String),
      difficulty: expect.stringMatching(/^(beginner|intermediate|advanced)$/),
      duration: expect.any(String),
      rating: expect.any(Number),
      tasks: expect.any(Number),
      frameworks: expect.any(Array),
      metrics: expect.any(Array),
      features: expect.any(Array),
    })
  }
  expect(await get<object>('/')).toMatchObject({
    message: expect.any(String),
    version: expect.any(String),
    endpoints: {
      scenarios: '/api/scenarios',
      training: '/api/training',
      models: '/api/models',
      settings: '/api/settings',
      websocket: '/ws/training/{session_id}',
    },
  })
  expect(await get<object>('/api/settings')).toEqual({
    framework: 'Native',
    llmProvider: 'None',
    maxEpisodes: 200,
    learningRate: 0.001,
    autoSave: true,
    openaiKey: '',
    anthropicKey: '',
  })
})

test('a page on the origin of the document may read it', async () => {
  const reply = await fetch(`${hearth.origin}/api/scenarios`, {
    headers: { origin: 'http://localhost:3000' },
  })
  expect(reply.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
})
