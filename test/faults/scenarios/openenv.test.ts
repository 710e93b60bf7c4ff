/** OpenEnv through a whole server: its own client plays here, and a training plays over there. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { scenarioOf } from '../../../plugins/scenarios/catalogue.ts'
import { seedOf } from '../../../plugins/scenarios/environment.ts'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { blocksOf } from '../../examples/blocks.ts'
import { testWith } from '../needs.ts'

const root = join(import.meta.dir, '../../..')
const python =
  process.env['HEARTH_TEST_OPENENV_PYTHON'] ?? join(root, '.cache/openenv-venv/bin/python')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    env: { LOG_LEVEL: 'error' },
  })
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T = Record<string, unknown>>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

/** The episodes of the client, played here. */
const native = (seed: number) => {
  const scenario = scenarioOf('catch')
  if (!scenario) throw new Error('There is no catch')
  const environment = scenario.make()
  const seen = new Float32Array(scenario.spec.observations)
  environment.reset(seedOf('train', seed), seen)
  const told: unknown[] = [[[...seen], null, false]]
  for (let isOver = false; !isOver;) {
    const { reward, terminated } = environment.step((seed + told.length) % 3, seen)
    told.push([[...seen], reward, terminated])
    isOver = terminated
  }
  return told
}

testWith('openenv')(
  'OpenEnv’s own client plays our scenarios',
  async () => {
    const client = Bun.spawn(
      [python, join(import.meta.dir, 'openenv_client.py'), `${hearth.origin}/openenv/catch`],
      { stdout: 'pipe', stderr: 'pipe' },
    )
    const [said, why] = await Promise.all([
      new Response(client.stdout).text(),
      new Response(client.stderr).text(),
    ])
    expect({ code: await client.exited, why: said === '' ? why : '' }).toEqual({ code: 0, why: '' })
    const { episodes, schema, reset, step, ...rest } = JSON.parse(said)
    for (const [seed, episode] of episodes.entries()) {
      const told = native(seed)
      const steps = told.length - 1
      expect(episode).toEqual({
        told,
        state: {
          episode_id: `episode ${seed}`,
          step_count: steps,
          scenario_id: 'catch',
          scenario_version: 1,
        },
        refused: 'Server error: The episode is over: reset first (code: EXECUTION_ERROR)',
      })
    }
    expect(rest).toEqual({
      health: { status: 'healthy' },
      metadata: {
        name: 'catch',
        description: expect.any(String),
        readme_content: null,
        version: '1',
        author: null,
        documentation_url: null,
      },
      state: { episode_id: null, step_count: 0, scenario_id: 'catch', scenario_version: 1 },
    })
    expect(Object.keys(schema)).toEqual(['action', 'observation', 'state'])
    expect(reset).toMatchObject({ done: false, reward: null })
    expect(step).toMatchObject({ done: false, reward: 0 })
  },
  60_000,
)

testWith('openenv')(
  'the example of the documentation plays as it is printed',
  async () => {
    const document = 'docs/scenarios-outside.md'
    const blocks = blocksOf(document, await Bun.file(join(root, document)).text())
    const printed = blocks.find(({ text }) => text.includes('GenericEnvClient'))?.text ?? ''
    const client = Bun.spawn(
      [python, '-c', printed.replace('http://localhost:8000', hearth.origin)],
      { stdout: 'pipe', stderr: 'pipe' },
    )
    const [said, why] = await Promise.all([
      new Response(client.stdout).text(),
      new Response(client.stderr).text(),
    ])
    expect({ code: await client.exited, why: said === '' ? why : '' }).toEqual({ code: 0, why: '' })
    expect(said.trimEnd().split('\n').at(-1)).toMatch(/^-?[\d.]+ False$/)
  },
  30_000,
)

const far = () => ({
  kind: 'openenv',
  id: 'far_catch',
  url: `${hearth.origin}/openenv/catch`,
  observation: ['vector'],
  actions: [0, 1, 2].map((action) => ({ name: `move_${action}`, action: { action } })),
  max_steps: 50,
  threshold: 1,
})

test('a policy is trained over OpenEnv, and is as good here', async () => {
  expect(await call('POST', '/api/scenarios', far())).toMatchObject({ status: 200 })
  const status = async () => (await call('GET', '/api/scenarios/far_catch')).body
  await waitUntil(
    'its description',
    async () => (await status())['status'] !== 'describing',
    30_000,
  )
  expect(await status()).toMatchObject({
    kind: 'openenv',
    status: 'ready',
    observations: 50,
    max_steps: 50,
    actions: ['move_0', 'move_1', 'move_2'],
    described: { saving: 'replay' },
  })
  const begun = await call('POST', '/api/training/start', {
    scenario_id: 'far_catch',
    framework: 'Native',
    max_episodes: 100_000,
    learning_rate: 0.003,
  })
  const id = String(begun.body['session_id'])
  const look = async () => (await call('GET', `/api/training/${id}`)).body
  await waitUntil('learning', async () => Number((await look())['current_episode']) > 200, 60_000)
  expect((await call('POST', `/api/training/${id}/pause`)).status).toBe(200)
  expect((await call('POST', `/api/training/${id}/resume`)).status).toBe(200)
  const figures = async () => (await look())['figures'] as Record<string, number>
  await waitUntil('its going on', async () => (await figures())['exact'] !== undefined, 60_000)
  expect((await figures())['exact']).toBe(1)
  await waitUntil('a good policy', async () => Number((await look())['accuracy']) > 80, 100_000)
  const { model_id } = (await call('POST', `/api/training/${id}/stop`)).body
  const model = String(model_id)
  const { body } = await call<{ accuracy: number }>('GET', `/api/models/${model}`)
  expect(body.accuracy).toBeGreaterThan(80)
  // Its moves are those of the scenario it was trained on from afar.
  let caught = 0
  const scenario = scenarioOf('catch')
  const environment = scenario?.make()
  const seen = new Float32Array(50)
  for (let episode = 0; episode < 20; episode++) {
    environment?.reset(seedOf('test', episode), seen)
    for (let isOver = false; !isOver;) {
      const act = await call('POST', `/api/models/${model}/act`, { observation: [...seen] })
      isOver = environment?.step(Number(act.body['action']), seen).terminated ?? true
    }
    if (environment?.verdict().success) caught++
  }
  expect(caught).toBeGreaterThan(12)
}, 180_000)

test.each([
  ['an address that is none', { url: 'here' }, 'url must begin with http'],
  ['a file', { url: 'file:///etc/passwd' }, 'url must begin with http'],
  ['a password', { url: 'http://a:b@here' }, 'url must hold no user'],
])('%s is refused', async (_, more, why) => {
  const reply = await call('POST', '/api/scenarios', { ...far(), id: 'other', ...more })
  expect(reply).toMatchObject({ status: 422, body: { detail: expect.stringContaining(why) } })
})

test.each([
  ['nobody is there', { url: 'http://127.0.0.1:1' }, 'The OpenEnv server cannot be reached'],
  ['it has no such numbers', { observation: ['board'] }, 'board of the observation is not there'],
  ['its words are no numbers', { observation: ['info'] }, 'info of the observation is of the type'],
])(
  'it is told when %s',
  async (_, more, why) => {
    const id = `broken_${Object.keys(more)[0]}_${_.length}`
    expect(await call('POST', '/api/scenarios', { ...far(), id, ...more })).toMatchObject({
      status: 200,
    })
    const status = async () => (await call('GET', `/api/scenarios/${id}`)).body
    await waitUntil('its end', async () => (await status())['status'] === 'failed', 30_000)
    expect((await status())['error']).toContain(why)
  },
  40_000,
)

test('HTTP has no sessions, and says what is wrong', async () => {
  expect(await call('POST', '/openenv/nobody/reset', {})).toMatchObject({ status: 404 })
  expect(await call('POST', '/openenv/catch/step', { action: { action: 9 } })).toMatchObject({
    status: 422,
    body: { detail: 'There is no action 9: 0 to 2' },
  })
  expect(await call('POST', '/openenv/catch/step', { action: {} })).toMatchObject({ status: 422 })
  expect(await call('POST', '/openenv/catch/reset', { seed: 1.5 })).toMatchObject({ status: 422 })
  expect(await call('POST', '/openenv/far_catch/reset', {})).toMatchObject({ status: 409 })
})
