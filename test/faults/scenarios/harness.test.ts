/** Trainings with a framework, through a whole server: its agents play, are killed, are missed. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

interface Status {
  readonly status: string
  readonly current_episode: number
  readonly accuracy: number
  readonly rollouts: { readonly native: number; readonly harness: number }
  readonly figures: Readonly<Record<string, number>>
  readonly job_id: string
  readonly model_id: string | null
  readonly error: string | null
}

const root = join(import.meta.dir, '../../..')
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth

beforeAll(async () => {
  folder = await temporaryFolder()
  const dataDir = join(folder.path, 'data')
  // What a sandbox must see of this machine for a program that is run from its source.
  const share = [root, dirname(process.execPath), join(dataDir, 'node/bin')].join(':')
  hearth = await startHearth({ dataDir, env: { LOG_LEVEL: 'error', HEARTH_SHARE: share } })
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

const begin = async (max_episodes: number): Promise<string> => {
  const { body } = await call<{ session_id: string }>('POST', '/api/training/start', {
    scenario_id: 'customer_support',
    framework: 'LangChain',
    max_episodes,
    learning_rate: 0.001,
  })
  return body.session_id
}

const look = async (id: string) => (await call<Status>('GET', `/api/training/${id}`)).body
const act = (id: string, verb: string) => call<object>('POST', `/api/training/${id}/${verb}`)
const until = (id: string, what: string, isSo: (now: Status) => boolean) =>
  waitUntil(what, async () => isSo(await look(id)), 90_000)

/** Processes of a job, by words of their command. */
const programs = async (words: string, job: string): Promise<number[]> => {
  const found = Bun.spawnSync(['pgrep', '-f', words]).stdout.toString().trim()
  const mine: number[] = []
  for (const pid of found === '' ? [] : found.split('\n')) {
    const environment = await Bun.file(`/proc/${pid}/environ`)
      .text()
      .catch(() => '')
    if (environment.includes(`HEARTH_JOB=${job}`)) mine.push(Number(pid))
  }
  return mine
}

const harnessOf = async (id: string): Promise<number> => {
  const { job_id } = await look(id)
  let pid = 0
  await waitUntil('the harness', async () => {
    pid = (await programs('main.ts harness langchain', job_id))[0] ?? 0
    return pid !== 0
  })
  return pid
}

test('200 episodes on a fresh install: agents play a share, and the test', async () => {
  const id = await begin(200)
  await until(id, 'its end', ({ status }) => status !== 'running')
  const done = await look(id)
  expect({ status: done.status, error: done.error, rollouts: done.rollouts }).toEqual({
    status: 'completed',
    error: null,
    rollouts: { native: 200, harness: expect.any(Number) },
  })
  expect(done.rollouts.harness).toBeGreaterThan(50)
  type Point = { episode: number; accuracy?: number; evaluated_at?: number }
  const { body: curve } = await call<Point[]>('GET', `/api/training/${id}/history`)
  const looked = curve.filter(({ accuracy }) => accuracy !== undefined)
  expect(looked.map(({ episode }) => episode)).toEqual(
    looked.map(({ evaluated_at }) => evaluated_at ?? -1),
  )
  expect(looked.at(-1)?.episode).toBe(200)
  const { body: model } = await call<{
    accuracy: number
    framework: string
    test: {
      episodes: number
      successes: number
      interval: number[]
      native: { episodes: number }
    }
  }>('GET', `/api/models/${done.model_id}`)
  const { harness_test, harness_test_low, harness_test_high } = done.figures
  expect(model).toMatchObject({
    framework: 'LangChain',
    accuracy: harness_test,
    test: {
      episodes: 50,
      interval: [harness_test_low, harness_test_high],
      native: { episodes: 2000, interval: [expect.any(Number), expect.any(Number)] },
    },
  })
  expect(model.accuracy).toBe(2 * model.test.successes)
  expect(model.accuracy).toBeGreaterThan(80)
  expect(done.accuracy).toBeGreaterThan(80)
  // What they played is kept, and judged here as it was there.
  const kept = `/api/scenarios/customer_support/episodes/summary?player=${done.model_id}`
  const { successes } = model.test
  expect((await call<object>('GET', `${kept}&source=harness`)).body).toMatchObject({
    episodes: 50,
    successes,
  })
}, 120_000)

test('paused, gone on with and stopped, a new harness each time', async () => {
  const id = await begin(1_000_000)
  await until(id, 'agents playing', ({ rollouts }) => rollouts.harness > 0)
  const first = await harnessOf(id)
  const askedMs = performance.now()
  expect(await act(id, 'pause')).toEqual({ status: 200, body: { status: 'paused' } })
  // A harness that waits for work is not waited for.
  expect(performance.now() - askedMs).toBeLessThan(15_000)
  await waitUntil('its harness to go', () => !isThere(first))
  const paused = await look(id)
  expect((await act(id, 'resume')).status).toBe(200)
  await until(id, 'agents playing on', ({ rollouts }) => rollouts.harness > paused.rollouts.harness)
  expect((await look(id)).figures['exact']).toBe(1)
  expect((await act(id, 'stop')).status).toBe(200)
  const { status, rollouts } = await look(id)
  expect(status).toBe('completed')
  expect(rollouts.harness).toBeGreaterThanOrEqual(paused.rollouts.harness + 50)
}, 180_000)

test('killed, its harness takes the training along: failed, with the reason', async () => {
  const id = await begin(1_000_000)
  await until(id, 'agents playing', ({ rollouts }) => rollouts.harness > 0)
  process.kill(await harnessOf(id), 'SIGKILL')
  await until(id, 'its end', ({ status }) => status !== 'running')
  expect(await look(id)).toMatchObject({
    status: 'failed',
    model_id: null,
    error: 'The harness of LangChain was ended by SIGKILL',
  })
}, 180_000)

test('killed, a training takes its harness along and goes on with a new one', async () => {
  const id = await begin(1_000_000)
  await until(id, 'a checkpoint', ({ figures }) => (figures['updates'] ?? 0) > 300)
  const harness = await harnessOf(id)
  const { job_id } = await look(id)
  for (const pid of await programs('main.ts train', job_id)) process.kill(pid, 'SIGKILL')
  await waitUntil('its harness to go', () => !isThere(harness))
  await until(id, 'its going on', ({ rollouts }) => rollouts.harness > 0)
  expect(await harnessOf(id)).not.toBe(harness)
  expect((await act(id, 'stop')).status).toBe(200)
}, 180_000)

test('in a sandbox without network agents find their gateway', async () => {
  const settings = {
    scenario: 'customer_support',
    algorithm: 'bc',
    episodes: 100,
    learningRate: 0.001,
    seed: 1,
  }
  const { body } = await call<{ id: string }>('POST', '/api/jobs', {
    plan: {
      command: ['hearth', 'train'],
      env: { HEARTH_TRAINING: JSON.stringify(settings), HEARTH_FRAMEWORK: 'LangChain' },
      sandbox: 'bwrap',
    },
  })
  interface Job {
    readonly state: string
    readonly ended_at: string | null
    readonly plan: { readonly sandbox: string }
  }
  const job = async () => (await call<Job>('GET', `/api/jobs/${body.id}`)).body
  await waitUntil('its end', async () => (await job()).ended_at !== null, 60_000)
  expect(await job()).toMatchObject({ state: 'succeeded', plan: { sandbox: 'bwrap' } })
  const left = await fetch(`${hearth.origin}/api/jobs/${body.id}/artifacts/model/manifest.json`)
  expect(await left.json()).toMatchObject({
    harness: { framework: 'LangChain', test: { episodes: 50 } },
  })
}, 90_000)

test.each([
  ['customer_support', 'AutoGen', /^AutoGen needs packages of Python that no node/],
  ['customer_support', 'CrewAI', /\/api\/frameworks\/CrewAI\/probe$/],
  ['cartpole', 'LangChain', /^Nothing is said in cartpole/],
])('%s with %s is refused', async (scenario_id, framework, reason) => {
  const { body: scenario } = await call<{ frameworks: string[] }>(
    'GET',
    `/api/scenarios/${scenario_id}`,
  )
  expect(scenario.frameworks).not.toContain(framework)
  const reply = await call('POST', '/api/training/start', { scenario_id, framework })
  expect(reply).toEqual({
    status: 409,
    body: { detail: expect.stringMatching(reason), code: 'conflict' },
  })
})

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
