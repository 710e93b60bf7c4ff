/** The live channel over real sockets: who may watch, what comes, and what is caught up on. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tracking from '../../../plugins/tracking/index.ts'
import { readSettings } from '../../../src/kernel/config.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { type RunningServer, startServer } from '../../../src/kernel/server.ts'

interface Person {
  readonly token: string
  send(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
}

/** A server of its own on a free port. */
const open = async (config: object = {}) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-live-'))
  const settings = readSettings({ DATA_DIR: dataDir, PORT: '0', RATE_LIMITS: 'off' })
  const server = await startServer(
    settings,
    [{ plugin: tracking, config, optional: false }],
    silentLogger,
  )
  return {
    server,
    async close() {
      await server.stop()
      await rm(dataDir, { recursive: true })
    },
  }
}

const login = async ({ auth, url }: RunningServer, username: string): Promise<Person> => {
  const password = `password of ${username}`
  await auth.register({ email: `${username}@example.com`, username, password })
  const token = await auth.login({ username, password, ip: '127.0.0.1' })
  return {
    token,
    async send(method, path, body) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
      return (await (await fetch(url + path, init)).json()) as Record<string, unknown>
    },
  }
}

/** Opens a socket and collects what it receives. */
const watch = async ({ url }: RunningServer, path: string, protocols: string[] = []) => {
  const socket = new WebSocket(url.replace('http', 'ws') + path, protocols)
  const received: unknown[] = []
  let wake = () => {}
  socket.onmessage = ({ data }) => {
    received.push(JSON.parse(String(data)))
    wake()
  }
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('the socket did not open'))
  })
  return {
    async first(count: number): Promise<unknown[]> {
      while (received.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return received
    },
    close: () => socket.close(),
  }
}

const statusOf = async ({ url }: RunningServer, path: string): Promise<number> => {
  const headers = {
    upgrade: 'websocket',
    connection: 'upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  }
  return (await fetch(url + path, { headers })).status
}

describe('a server as it is', () => {
  let opened: Awaited<ReturnType<typeof open>>
  let ann: Person
  let bob: Person
  beforeAll(async () => {
    opened = await open()
    await login(opened.server, 'root')
    ann = await login(opened.server, 'ann')
    bob = await login(opened.server, 'bob')
  })
  afterAll(() => opened.close())

  const newRun = async (isPublic = false): Promise<number> => {
    const project = await ann.send('POST', '/projects/', { name: 'P', is_public: isPublic })
    const run = await ann.send('POST', `/runs/?project_id=${project['id']}`, { name: 'R' })
    return Number(run['id'])
  }

  test('every point comes as the object that the reply was', async () => {
    const run = await newRun()
    const byQuery = await watch(opened.server, `/ws/${run}?token=${ann.token}`)
    const byProtocol = await watch(opened.server, `/ws/${run}/`, ['bearer', ann.token])
    const reply = await ann.send('POST', `/metrics/${run}`, { name: 'loss', value: 0.5, step: 1 })
    expect(await byQuery.first(1)).toEqual([reply])
    expect(await byProtocol.first(1)).toEqual([reply])
    await ann.send('POST', `/metrics/${run}/batch`, { metrics: { a: 'NaN', b: 2 }, step: 2 })
    const listed = await fetch(`${opened.server.url}/metrics/${run}`, {
      headers: { authorization: `Bearer ${ann.token}` },
    })
    expect(await byQuery.first(3)).toEqual((await listed.json()) as unknown[])
    byQuery.close()
    byProtocol.close()
  })

  test('since brings what was missed, then what comes, once and in order', async () => {
    const run = await newRun()
    const ids: unknown[] = []
    for (let i = 0; i < 5; i++) {
      ids.push((await ann.send('POST', `/metrics/${run}`, { name: 'a', value: i }))['id'])
    }
    const socket = await watch(opened.server, `/ws/${run}?token=${ann.token}&since=${ids[1]}`)
    ids.push((await ann.send('POST', `/metrics/${run}`, { name: 'a', value: 5 }))['id'])
    const received = (await socket.first(4)) as { id: number }[]
    expect(received.map(({ id }) => id)).toEqual(ids.slice(2) as number[])
    socket.close()
  })

  test('points of other runs do not come', async () => {
    const [run, other] = [await newRun(), await newRun()]
    const socket = await watch(opened.server, `/ws/${run}?token=${ann.token}`)
    await ann.send('POST', `/metrics/${other}`, { name: 'other', value: 1 })
    const reply = await ann.send('POST', `/metrics/${run}`, { name: 'own', value: 1 })
    expect(await socket.first(1)).toEqual([reply])
    socket.close()
  })

  test('who may not read may not watch', async () => {
    const secret = await newRun()
    const shared = await newRun(true)
    const { server } = opened
    expect({
      anonymous: await statusOf(server, `/ws/${secret}`),
      anonymousOnPublic: await statusOf(server, `/ws/${shared}`),
      wrongToken: await statusOf(server, `/ws/${secret}?token=x`),
      bob: await statusOf(server, `/ws/${secret}?token=${bob.token}`),
      nowhere: await statusOf(server, `/ws/999999?token=${ann.token}`),
      noId: await statusOf(server, `/ws/abc?token=${ann.token}`),
    }).toEqual({
      ...{ anonymous: 401, anonymousOnPublic: 401, wrongToken: 401, bob: 404, nowhere: 404 },
      noId: 400,
    })
    const socket = await watch(server, `/ws/${shared}?token=${bob.token}`)
    const reply = await ann.send('POST', `/metrics/${shared}`, { name: 'a', value: 1 })
    expect(await socket.first(1)).toEqual([reply])
    socket.close()
  })
})

test('publicReads opens public runs, and only those, to everybody', async () => {
  const { server, close } = await open({ publicReads: true })
  const root = await login(server, 'root')
  const run = async (isPublic: boolean) => {
    const project = await root.send('POST', '/projects/', { name: 'P', is_public: isPublic })
    return (await root.send('POST', `/runs/?project_id=${project['id']}`, { name: 'R' }))['id']
  }
  const [secret, shared] = [await run(false), await run(true)]
  const socket = await watch(server, `/ws/${shared}`)
  const reply = await root.send('POST', `/metrics/${shared}`, { name: 'a', value: 1 })
  expect(await socket.first(1)).toEqual([reply])
  expect(await statusOf(server, `/ws/${secret}`)).toBe(401)
  socket.close()
  await close()
})
