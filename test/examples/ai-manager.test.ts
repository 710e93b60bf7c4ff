/** The published AI Manager API, request by request, with and without the slash at the end. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'

const naive = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/
const time = expect.stringMatching(naive)

type Json = Record<string, unknown>

interface Reply {
  readonly status: number
  readonly body: unknown
}

const only = (keys: string) => (value: unknown) =>
  Object.fromEntries(keys.split(' ').map((key) => [key, (value as Json)[key]]))

/** What is published of each object; the server may answer more, never less. */
const user = only('id email username is_active is_superuser created_at updated_at')
const project = only('id name description owner_id is_public created_at updated_at')
const run = only('id name project_id status config tags started_at ended_at created_at updated_at')
const listedRun = only('id name status started_at ended_at tags')
const metric = only('id run_id name value step timestamp')
const history = only('name values steps timestamps')
const summary = only('name current_value min_value max_value mean_value total_points')
const message = only('message')

const forms = [
  ['with a slash', (path: string) => path.replace(/\/?(\?|$)/, '/$1')],
  ['without a slash', (path: string) => path.replace(/\/(\?|$)/, '$1')],
] as const

describe.each(forms)('%s at the end of each path', (_, shape) => {
  let folder: TemporaryFolder
  let hearth: Hearth
  let token: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    hearth = await startHearth({ dataDir: folder.path })
  })
  afterAll(async () => {
    await hearth.end()
    await folder[Symbol.asyncDispose]()
  })

  const request = async (method: string, path: string, init: RequestInit): Promise<Reply> => {
    const reply = await fetch(hearth.origin + shape(path), { method, redirect: 'error', ...init })
    return { status: reply.status, body: await reply.json() }
  }

  const call = (method: string, path: string, body?: Json, bearer = token): Promise<Reply> =>
    request(method, path, {
      headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })

  const ok = async (...args: Parameters<typeof call>): Promise<unknown> => {
    const { status, body } = await call(...args)
    expect({ status, body }).toEqual({ status: 200, body: expect.anything() })
    return body
  }

  const register = (username: string) =>
    request('POST', '/auth/register', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: `${username}@example.com`, username, password: 'password' }),
    })

  const logIn = async (username: string): Promise<string> => {
    const { status, body } = await request('POST', '/auth/login', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `username=${username}&password=password`,
    })
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        access_token: expect.stringMatching(/^ey[\w-]+\.[\w-]+\.[\w-]+$/),
        token_type: 'bearer',
      },
    })
    return (body as { access_token: string }).access_token
  }

  test('a user registers, logs in and asks who it is', async () => {
    // The first user of a server is its administrator; the published example is any later one.
    expect((await register('first')).status).toBe(200)
    const { status, body } = await register('username')
    const known = {
      id: 2,
      email: 'username@example.com',
      username: 'username',
      is_active: true,
      is_superuser: false,
      created_at: time,
      updated_at: time,
    }
    expect({ status, body: user(body) }).toEqual({ status: 200, body: known })
    token = await logIn('username')
    expect(user(await ok('GET', '/auth/me'))).toEqual(known)
  })

  test('a project is made, read, listed and changed', async () => {
    const asked = {
      name: 'My Project',
      description: 'A machine learning project',
      is_public: false,
    }
    const made = await ok('POST', '/projects/', asked)
    const known = { id: 1, ...asked, owner_id: 2, created_at: time, updated_at: time }
    expect(project(made)).toEqual(known)
    expect(project(await ok('GET', '/projects/1'))).toEqual(project(made))
    expect(((await ok('GET', '/projects/')) as unknown[]).map(project)).toEqual([project(made)])
    expect(await ok('GET', '/projects/?skip=1&limit=10')).toEqual([])
    const change = { name: 'Updated Project Name', description: 'Updated description' }
    expect(project(await ok('PUT', '/projects/1', change))).toEqual({ ...known, ...change })
  })

  test('a run is made, read, listed and ended', async () => {
    const asked = {
      name: 'Training Run 1',
      config: { learning_rate: 0.001, batch_size: 32 },
      tags: ['demo', 'test'],
    }
    const made = await ok('POST', '/runs/?project_id=1', asked)
    const known = {
      id: 1,
      project_id: 1,
      ...asked,
      status: 'running',
      started_at: time,
      ended_at: null,
      created_at: time,
      updated_at: time,
    }
    expect(run(made)).toEqual(known)
    expect(run(await ok('GET', '/runs/1'))).toEqual(run(made))
    const listed = [listedRun(made)]
    for (const path of ['/runs/', '/runs/?project_id=1', '/runs/?project_id=1&skip=0&limit=100']) {
      expect(((await ok('GET', path)) as unknown[]).map(listedRun)).toEqual(listed)
    }
    expect(await ok('GET', '/runs/?skip=1')).toEqual([])
    const end = { status: 'completed', ended_at: '2023-01-01T01:00:00' }
    expect(run(await ok('PUT', '/runs/1', end))).toEqual({ ...known, ...end })
  })

  test('metrics are logged one by one and in batches, and read in four ways', async () => {
    const first = await ok('POST', '/metrics/1', { name: 'loss', value: 0.5, step: 1 })
    const point = { id: 1, run_id: 1, name: 'loss', value: 0.5, step: 1, timestamp: time }
    expect(metric(first)).toEqual(point)
    const metrics = { loss: 0.25, accuracy: 0.85, learning_rate: 0.001 }
    expect(message(await ok('POST', '/metrics/1/batch', { metrics, step: 2 }))).toEqual({
      message: 'Logged 3 metrics successfully',
    })
    const points = (await ok('GET', '/metrics/1')) as Json[]
    expect(points.map(metric)).toEqual([
      metric(first),
      ...Object.entries(metrics).map(([name, value], n) => ({
        ...point,
        id: n + 2,
        name,
        value,
        step: 2,
      })),
    ])
    expect(points.map(({ timestamp }) => timestamp)).toEqual(
      points.map(({ timestamp }) => timestamp).sort(),
    )
    const losses = points.filter(({ name }) => name === 'loss')
    expect(await ok('GET', '/metrics/1/?metric_name=loss')).toEqual(losses)
    expect(await ok('GET', '/metrics/1?metric_name=loss&skip=1&limit=1')).toEqual([losses[1]])
    expect(history(await ok('GET', '/metrics/1/history/loss'))).toEqual({
      name: 'loss',
      values: [0.5, 0.25],
      steps: [1, 2],
      timestamps: losses.map(({ timestamp }) => timestamp),
    })
    const once = (name: string, value: number) => ({
      name,
      current_value: value,
      min_value: value,
      max_value: value,
      mean_value: value,
      total_points: 1,
    })
    expect(((await ok('GET', '/metrics/1/summary')) as unknown[]).map(summary)).toEqual([
      once('accuracy', 0.85),
      once('learning_rate', 0.001),
      {
        name: 'loss',
        current_value: 0.25,
        min_value: 0.25,
        max_value: 0.5,
        mean_value: 0.375,
        total_points: 2,
      },
    ])
  })

  test('the whole course of a training, with nothing but what is published', async () => {
    const asked = { name: 'My ML Project', description: 'Image classification' }
    expect(project(await ok('POST', '/projects/', asked))).toEqual({
      id: 2,
      ...asked,
      owner_id: 2,
      is_public: false,
      created_at: time,
      updated_at: time,
    })
    const training = { name: 'ResNet Training', config: { lr: 0.001 } }
    const known = {
      id: 2,
      project_id: 2,
      ...training,
      tags: [],
      status: 'running',
      started_at: time,
      ended_at: null,
      created_at: time,
      updated_at: time,
    }
    expect(run(await ok('POST', '/runs/?project_id=2', training))).toEqual(known)
    const batch = { metrics: { loss: 0.5, accuracy: 0.85 }, step: 1 }
    expect(message(await ok('POST', '/metrics/2/batch', batch))).toEqual({
      message: 'Logged 2 metrics successfully',
    })
    expect(run(await ok('PUT', '/runs/2', { status: 'completed' }))).toEqual({
      ...known,
      status: 'completed',
      ended_at: time,
    })
  })

  test('what goes wrong has the published status and a readable detail', async () => {
    await register('other')
    const other = await logIn('other')
    await ok('PUT', '/projects/2', { is_public: true })
    const refused = async (...args: Parameters<typeof call>) => {
      const { status, body } = await call(...args)
      return { status, detail: (body as Json)['detail'] }
    }
    expect(await refused('POST', '/projects/', { description: 'nameless' })).toEqual({
      status: 400,
      detail: expect.stringContaining('name'),
    })
    expect(await refused('GET', '/auth/me', undefined, 'no.such.token')).toEqual({
      status: 401,
      detail: 'Could not validate credentials',
    })
    expect(await refused('PUT', '/projects/2', { name: 'Mine' }, other)).toEqual({
      status: 403,
      detail: 'Not enough permissions',
    })
    expect(await refused('GET', '/projects/999')).toEqual({
      status: 404,
      detail: 'Resource not found',
    })
  })

  test('runs and projects are deleted', async () => {
    expect(message(await ok('DELETE', '/runs/2'))).toEqual({ message: expect.any(String) })
    expect((await call('GET', '/runs/2')).status).toBe(404)
    expect(message(await ok('DELETE', '/projects/1'))).toEqual({ message: expect.any(String) })
    expect((await call('GET', '/projects/1')).status).toBe(404)
    expect((await call('GET', '/metrics/1')).status).toBe(404)
  })
})
