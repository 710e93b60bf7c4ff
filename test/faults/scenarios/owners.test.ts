/** Whose scenarios from outside are: a server with logins, two users and an administrator. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Hearth, signUp, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth
/** The first one that registers is the administrator. */
const tokens: Record<'root' | 'ada' | 'bob', string> = { root: '', ada: '', bob: '' }
type User = keyof typeof tokens

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    env: { LOG_LEVEL: 'error', AUTH: 'required' },
  })
  for (const name of ['root', 'ada', 'bob'] as const) {
    tokens[name] = await signUp(hearth.origin, name)
  }
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async (user: User | null, method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    headers: {
      ...(user && { authorization: `Bearer ${tokens[user]}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
}

const adas = {
  kind: 'openenv',
  id: 'adas',
  url: 'http://127.0.0.1:1',
  observation: ['board'],
  actions: [{ name: 'wait', action: {} }],
  max_steps: 5,
  threshold: 1,
}

test('a scenario is its owner’s, and the administrator’s', async () => {
  const path = '/api/scenarios/adas'
  expect((await call(null, 'POST', '/api/scenarios', adas)).status).toBe(401)
  expect((await call('ada', 'POST', '/api/scenarios', adas)).status).toBe(200)
  expect((await call('bob', 'GET', path)).status).toBe(404)
  expect((await call('bob', 'DELETE', path)).status).toBe(404)
  expect((await call('bob', 'POST', '/api/training/start', { scenario_id: 'adas' })).status).toBe(
    404,
  )
  expect(await call('bob', 'POST', '/api/scenarios', adas)).toMatchObject({
    status: 409,
    body: { detail: 'adas is taken' },
  })
  // The node measures first what it can hold programs by, again after a minute if it could not.
  const isOver = async () => (await call('ada', 'GET', path)).body['status'] === 'failed'
  await waitUntil('its end', isOver, 100_000)
  expect((await call('root', 'GET', path)).body).toMatchObject({
    status: 'failed',
    error: 'The OpenEnv server cannot be reached',
  })
  expect((await call('root', 'DELETE', path)).status).toBe(200)
  expect((await call('ada', 'GET', path)).status).toBe(404)
  expect((await call('bob', 'POST', '/api/scenarios', adas)).body).toMatchObject({ version: 2 })
}, 150_000)

test('OpenEnv’s sockets and calls ask for a login where the server does', async () => {
  const at = `${hearth.origin.replace('http', 'ws')}/openenv/catch/ws`
  const answer = async (protocols: string[]) => {
    const socket = new WebSocket(at, protocols)
    const heard = Promise.withResolvers<string>()
    socket.onopen = () => socket.send('{"type":"reset"}')
    socket.onmessage = ({ data }) => heard.resolve(JSON.parse(String(data)).type)
    socket.onerror = () => heard.resolve('refused')
    return heard.promise.finally(() => socket.close())
  }
  expect(await answer([])).toBe('refused')
  expect(await answer(['bearer', tokens.bob])).toBe('observation')
  expect((await call(null, 'POST', '/openenv/catch/reset', {})).status).toBe(401)
  expect((await call('bob', 'POST', '/openenv/catch/reset', {})).status).toBe(200)
})
