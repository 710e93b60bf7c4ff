/** An environment of Gymnasium through a whole server: described, trained on, killed, deleted. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth

/** Where packages come from, if that is said anywhere. */
const indexes = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    /^(PIP|UV)_/.test(name) && value !== undefined ? [[name, value]] : [],
  ),
)

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    env: { LOG_LEVEL: 'error', ...indexes },
  })
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T = Record<string, unknown>>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}/api${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

const until = (path: string, what: string, isSo: (now: Record<string, unknown>) => boolean) =>
  waitUntil(what, async () => isSo((await call('GET', path)).body), 120_000)

const requirements = ['gymnasium==1.3.0', 'numpy==2.4.6']
const cartpole = {
  kind: 'gymnasium',
  id: 'real_cartpole',
  name: 'CartPole of Gymnasium',
  environment: 'CartPole-v1',
  requirements,
  actions: ['left', 'right'],
}

const begin = async (body: object): Promise<string> => {
  const training = { scenario_id: 'real_cartpole', framework: 'Native', learning_rate: 0.002 }
  const begun = await call('POST', '/training/start', { ...training, ...body })
  expect(begun).toMatchObject({ status: 200, body: { status: 'started' } })
  return String(begun.body['session_id'])
}

test('it is described, learned, paused, gone on with, and acts', async () => {
  expect(await call('POST', '/scenarios', cartpole)).toEqual({
    status: 200,
    body: {
      id: 'real_cartpole',
      name: 'CartPole of Gymnasium',
      kind: 'gymnasium',
      version: 1,
      status: 'describing',
      job_id: expect.stringMatching(/^j/),
      error: null,
    },
  })
  expect(await call('POST', '/training/start', { scenario_id: 'real_cartpole' })).toMatchObject({
    status: 409,
    body: { detail: 'real_cartpole is still being described' },
  })
  await until(
    '/scenarios/real_cartpole',
    'its description',
    ({ status }) => status !== 'describing',
  )
  const listed = (await call<{ id: string }[]>('GET', '/scenarios')).body
  expect(listed.find(({ id }) => id === 'real_cartpole')).toMatchObject({
    name: 'CartPole of Gymnasium',
    kind: 'gymnasium',
    status: 'ready',
    actions: ['left', 'right'],
    observations: 4,
    max_steps: 500,
    described: { threshold: 475, saving: 'replay', breach: null },
  })
  const wrong = { scenario_id: 'real_cartpole', framework: 'Native', algorithm: 'bc' }
  expect(await call('POST', '/training/start', wrong)).toMatchObject({
    status: 409,
    body: {
      detail: 'real_cartpole has no oracle that bc could learn from',
    },
  })
  expect(await call('POST', '/scenarios/real_cartpole/episodes', {})).toMatchObject({ status: 409 })

  const id = await begin({ max_episodes: 1_000_000 })
  await until(
    `/training/${id}`,
    'learning',
    ({ updates, current_episode }) => Number(updates ?? current_episode) > 100,
  )
  expect(await call('POST', `/training/${id}/pause`)).toMatchObject({ status: 200 })
  const paused = (await call('GET', `/training/${id}`)).body
  expect(await call('POST', `/training/${id}/resume`)).toMatchObject({ status: 200 })
  await until(
    `/training/${id}`,
    'going on',
    ({ current_episode }) => Number(current_episode) > Number(paused['current_episode']),
  )
  const { body: now } = await call<{ figures: Record<string, number>; algorithm: string }>(
    'GET',
    `/training/${id}`,
  )
  expect(now).toMatchObject({ algorithm: 'ppo', figures: { exact: 1 } })
  await until(`/training/${id}`, 'a good policy', ({ accuracy }) => Number(accuracy) > 50)
  const { body: stopped } = await call('POST', `/training/${id}/stop`)
  const model = String(stopped['model_id'])
  const act = await call('POST', `/models/${model}/act`, { observation: [0, 0, 0.2, 1] })
  expect(act.body).toMatchObject({ action: 1, name: 'right' })
}, 240_000)

/** Ends the environments' process of a job, if there is one just now. */
const killEnvironments = async (job: string): Promise<void> => {
  const found = Bun.spawnSync(['pgrep', '-f', 'python -c']).stdout.toString().trim()
  for (const pid of found === '' ? [] : found.split('\n')) {
    const file = Bun.file(`/proc/${pid}/environ`)
    const environ = await file.text().catch(() => '')
    if (environ.includes(`HEARTH_JOB=${job}`)) process.kill(Number(pid), 'SIGKILL')
  }
}

test('a training whose environment is killed again and again fails, and says by what', async () => {
  const id = await begin({ max_episodes: 1_000_000, seed: 2 })
  await until(`/training/${id}`, 'learning', ({ current_episode }) => Number(current_episode) > 20)
  const { job_id } = (await call<{ job_id: string }>('GET', `/training/${id}`)).body
  await waitUntil(
    'its end',
    async () => {
      await killEnvironments(job_id)
      return (await call('GET', `/training/${id}`)).body['status'] === 'failed'
    },
    100_000,
  )
  expect((await call('GET', `/training/${id}`)).body).toMatchObject({
    error: 'The process of the environment has ended, by SIGKILL',
  })
}, 120_000)

test('what cannot be had says why, and may be defined anew', async () => {
  const pendulum = { kind: 'gymnasium', id: 'pendulum', environment: 'Pendulum-v1', requirements }
  expect(await call('POST', '/scenarios', pendulum)).toMatchObject({ status: 200 })
  await until('/scenarios/pendulum', 'its end', ({ status }) => status === 'failed')
  const why = 'Its actions are of Box: only Discrete ones can be learned'
  expect((await call('GET', '/scenarios/pendulum')).body).toMatchObject({ error: why })
  const listed = (await call<{ id: string }[]>('GET', '/scenarios')).body
  expect(listed.map(({ id }) => id)).not.toContain('pendulum')
  expect(await call('POST', '/training/start', { scenario_id: 'pendulum' })).toMatchObject({
    status: 409,
    body: { detail: `pendulum cannot be had: ${why}` },
  })
  const better = { ...pendulum, environment: 'FrozenLake-v1' }
  expect(await call('POST', '/scenarios', better)).toMatchObject({ body: { version: 2 } })
  await until('/scenarios/pendulum', 'its description', ({ status }) => status === 'ready')
  expect(await call('DELETE', '/scenarios/pendulum')).toMatchObject({ status: 200 })
  expect((await call('GET', '/scenarios/pendulum')).status).toBe(404)
}, 120_000)

test.each([
  ['the id of a built-in', { id: 'cartpole' }, 409],
  ['an id that is taken', {}, 409],
  ['an id that is a path', { id: '../etc' }, 422],
  ['no environment’s name', { id: 'x', environment: 'a b' }, 422],
  ['no steps', { id: 'x', max_steps: 0 }, 422],
  ['a book', { id: 'x', options: { a: 'b'.repeat(50_000) } }, 422],
  ['another kind', { id: 'x', kind: 'nothing' }, 422],
])('%s is refused', async (_, body, status) => {
  const reply = await call('POST', '/scenarios', { ...cartpole, ...body })
  expect(reply).toMatchObject({ status, body: { detail: expect.any(String) } })
})

test('what is wrong with a definition is said of the kind that is meant', async () => {
  const detail = async (body: object) =>
    (await call<{ detail: string }>('POST', '/scenarios', { ...cartpole, ...body })).body.detail
  expect(await detail({ kind: 'nothing' })).toBe('body: kind: Expected one of gymnasium, openenv')
  expect(await detail({ id: 'x', max_steps: 0 })).toContain('max_steps: Expected integer')
})

test.each([
  ['cartpole', 409],
  ['nobody', 404],
])('%s is not deleted', async (id, status) => {
  expect(await call('DELETE', `/scenarios/${id}`)).toMatchObject({ status })
})
