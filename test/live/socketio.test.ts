/** Socket.IO's own client against a real server: both transports, refusals, replay, bounds. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '../../src/kernel/config.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { definePlugin } from '../../src/kernel/plugin.ts'
import { type RunningServer, startServer } from '../../src/kernel/server.ts'
import { type Channel, HearthError, type Live, type LiveMessage } from '../../src/sdk.ts'
import { until } from './live-server.ts'
import { Watcher } from './watcher.ts'

const stored: LiveMessage[] = []
const seen: { who: string | null }[] = []
let live: Live

const channel: Channel = {
  path: '/ws/experiments/:id',
  socketIo: true,
  maxPerAddress: 5,
  open({ params, who }) {
    if (params['id'] !== 'exp_1') throw new HearthError('not_found', 'No such experiment')
    seen.push({ who: who?.username ?? null })
    return {
      topic: 'exp_1',
      hello: { type: 'connection_established', data: {} },
      async *replay(since) {
        yield stored.filter(({ cursor }) => cursor > since)
      },
      message(text, reply) {
        if ((JSON.parse(text) as { type: string }).type === 'ping') reply({ type: 'pong' })
      },
    }
  },
}

const plugin = definePlugin({
  id: 'watched',
  version: '1.0.0',
  sdk: '*',
  dialect: {
    error: ({ code, message }) => ({
      error: { code: code === 'not_found' ? 'EXPERIMENT_NOT_FOUND' : code.toUpperCase(), message },
    }),
  },
  setup({ live: given }) {
    live = given
    return {
      channels: [channel, { path: '/ws/plain', open: () => ({ topic: 'plain' }) }],
    }
  },
})

const tell = (cursor: number, type = 'progress'): LiveMessage => {
  const message = { cursor, data: { type, data: { seq: cursor } } }
  stored.push(message)
  live.publish('exp_1', [message])
  return message
}

const start = async (
  env: Record<string, string>,
): Promise<[RunningServer, () => Promise<void>]> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-socketio-'))
  const settings = readSettings({ PORT: '0', DATA_DIR: dataDir, ...env })
  const sources = [{ plugin, config: undefined, optional: false }]
  const server = await startServer({ ...settings, file: {} }, sources, silentLogger)
  const end = async () => {
    await server.stop()
    await rm(dataDir, { recursive: true })
  }
  return [server, end]
}

const hello = ['connection_established', { type: 'connection_established', data: {} }]
const event = (seq: number) => ['progress', { type: 'progress', data: { seq } }]

describe('an open server', () => {
  let server: RunningServer
  let end: () => Promise<void>
  let url: string
  beforeAll(async () => {
    ;[server, end] = await start({})
    url = `${server.url.replace('http', 'ws')}/ws/experiments/exp_1`
  })
  afterAll(() => end())

  for (const transports of [['polling', 'websocket'], ['polling'], ['websocket']]) {
    test(`talks over ${transports.join(' and ')}`, async () => {
      const first = (stored.at(-1)?.cursor ?? 0) + 1
      using watcher = await new Watcher(url, { transports }).connected()
      await until(() => watcher.transport === transports.at(-1))
      await until(() => watcher.events.length === 1)
      for (const n of [0, 1, 2]) tell(first + n)
      watcher.socket.emit('message', { type: 'ping' })
      await until(() => watcher.events.length === 5)
      const pong = ['pong', { type: 'pong' }]
      const events = watcher.events.filter(([name]) => name !== 'pong')
      expect(events).toEqual([hello, event(first), event(first + 1), event(first + 2)] as never)
      expect(watcher.events).toContainEqual(pong as never)
    })
  }

  test('loses nothing while the transport changes', async () => {
    const first = (stored.at(-1)?.cursor ?? 0) + 1
    using watcher = new Watcher(url, { query: { since: String(first - 1) } })
    let sent = 0
    await until(() => {
      if (sent < 200) tell(first + sent++)
      return sent === 200 && watcher.transport === 'websocket'
    })
    await until(() => watcher.events.length === 201)
    const all = Array.from({ length: 200 }, (_, i) => event(first + i))
    expect(watcher.events).toEqual([hello, ...all] as never)
  })

  test('replays after a cursor given in the query, the address or auth', async () => {
    const last = stored.at(-1)?.cursor ?? 0
    tell(last + 1)
    tell(last + 2)
    const since = last + 1
    const wanted = [hello, event(last + 2)] as never
    using byQuery = await new Watcher(url, { query: { since } }).connected()
    using byAddress = await new Watcher(`${url}?since=${since}`).connected()
    using byAuth = await new Watcher(url, { auth: { since } }).connected()
    for (const watcher of [byQuery, byAddress, byAuth]) {
      await until(() => watcher.events.length === 2)
      expect(watcher.events).toEqual(wanted)
    }
  })

  test('a client that lost its connection comes back to where it was, by itself', async () => {
    const first = (stored.at(-1)?.cursor ?? 0) + 1
    const options = { reconnection: true, reconnectionDelay: 1 }
    using watcher = await new Watcher(url, options).connected()
    tell(first)
    await until(() => watcher.events.length === 2)
    watcher.socket.io.engine?.close()
    tell(first + 1)
    await until(() => watcher.events.length === 4)
    expect({ events: watcher.events, recovered: watcher.socket.recovered }).toEqual({
      events: [hello, event(first), hello, event(first + 1)],
      recovered: true,
    } as never)
  })

  test('refuses in the words of the dialect', async () => {
    for (const transports of [['polling'], ['websocket']]) {
      using watcher = new Watcher(url.replace('exp_1', 'exp_2'), { transports })
      await until(() => watcher.error !== undefined)
      const { message, data } = watcher.error as Error & { data: unknown }
      expect({ message, data }).toEqual({
        message: 'EXPERIMENT_NOT_FOUND',
        data: { error: { code: 'EXPERIMENT_NOT_FOUND', message: 'No such experiment' } },
      })
    }
    using plain = new Watcher(url.replace('/experiments/exp_1', '/plain'))
    await until(() => plain.error !== undefined)
    expect(plain.error?.data).toEqual({
      error: { code: 'EXPERIMENT_NOT_FOUND', message: 'Invalid namespace' },
    })
  })

  test('serves plain WebSockets of the same path', async () => {
    const socket = new WebSocket(url)
    const texts: string[] = []
    socket.onmessage = ({ data }) => texts.push(data as string)
    await until(() => texts.length === 1)
    socket.send('{"type":"ping"}')
    await until(() => texts.length === 2)
    expect(texts.map((text) => JSON.parse(text))).toEqual([hello[1], { type: 'pong' }])
    socket.close()
  })

  test('answers polls that make no sense, and pages of other sites, as such', async () => {
    const base = `${server.url}/socket.io/`
    const ask = async (query: string, init: RequestInit = {}) => {
      const reply = await fetch(`${base}?${query}`, init)
      return { status: reply.status, body: (await reply.json()) as { code: unknown } }
    }
    const polling = 'EIO=4&transport=polling'
    expect(await ask('EIO=3&transport=polling')).toMatchObject({ status: 400, body: { code: 5 } })
    expect(await ask('EIO=4&transport=smoke')).toMatchObject({ status: 400, body: { code: 0 } })
    expect(await ask(`${polling}&sid=x`)).toMatchObject({ status: 400, body: { code: 1 } })
    expect(await ask(polling, { method: 'POST' })).toMatchObject({ status: 400, body: { code: 2 } })
    const headers = { origin: 'http://evil.example' }
    expect(await ask(polling, { headers })).toMatchObject({ status: 403 })
    const allowed = await fetch(`${base}?${polling}`, {
      headers: { origin: 'http://localhost:3000' },
    })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
    expect(await allowed.text()).toStartWith('0{"sid":')
  })

  test('bounds what waits for a client that polls no more, and it catches up', async () => {
    const first = (stored.at(-1)?.cursor ?? 0) + 1
    const polling = `${server.url}/socket.io/?EIO=4&transport=polling`
    const greeting = await (await fetch(polling)).text()
    const { sid } = JSON.parse(greeting.slice(1)) as { sid: string }
    const post = (body: string) => fetch(`${polling}&sid=${sid}`, { method: 'POST', body })
    await post('40/ws/experiments/exp_1,{}')
    expect(await (await fetch(`${polling}&sid=${sid}`)).text()).toContain('"sid"')
    const long = 'x'.repeat(100_000)
    for (let n = 0; n < 100; n++) {
      const message = { cursor: first + n, data: { type: 'note', data: { long } } }
      stored.push(message)
      live.publish('exp_1', [message])
      await new Promise((resolve) => setImmediate(resolve))
    }
    let [received, largest] = [0, 0]
    while (received < 100) {
      const body = await (await fetch(`${polling}&sid=${sid}`)).text()
      received += body.split('"type":"note"').length - 1
      largest = Math.max(largest, body.length)
    }
    expect(received).toBe(100)
    expect(largest).toBeLessThan(2_300_000)
  })
})

test('a closed server wants a token, by auth, header or query', async () => {
  const [server, end] = await start({ AUTH: 'required', RATE_LIMITS: 'off' })
  const { auth } = server
  await auth.register({ email: 'ada@example.com', username: 'ada', password: 'correct horse' })
  const token = await auth.login({ username: 'ada', password: 'correct horse', ip: '127.0.0.1' })
  const url = `${server.url}/ws/experiments/exp_1`
  {
    using nobody = new Watcher(url)
    await until(() => nobody.error !== undefined)
    seen.length = 0
    using byAuth = await new Watcher(url, { auth: { token } }).connected()
    using byQuery = await new Watcher(url, { query: { token } }).connected()
    const extraHeaders = { authorization: `Bearer ${token}` }
    using byHeader = await new Watcher(url, { extraHeaders }).connected()
    const watchers = [byAuth, byQuery, byHeader]
    expect(watchers.every(({ socket }) => socket.connected)).toBe(true)
    expect(seen).toEqual([{ who: 'ada' }, { who: 'ada' }, { who: 'ada' }])
  }
  await end()
})

test('five connections of one address, an upgraded one counted once', async () => {
  const [server, end] = await start({ AUTH: 'open', RATE_LIMITS: 'on' })
  const url = `${server.url}/ws/experiments/exp_1`
  const five = Array.from({ length: 5 }, () => new Watcher(url))
  for (const watcher of five) {
    await watcher.connected()
    await until(() => watcher.transport === 'websocket')
  }
  const sixth = new Watcher(url)
  await until(() => sixth.error !== undefined)
  expect(sixth.error?.message).toBe('RATE_LIMITED')
  const socket = new WebSocket(url.replace('http', 'ws'))
  const refused = await new Promise((resolve) => {
    socket.onerror = () => resolve('refused')
    socket.onopen = () => resolve('open')
  })
  expect(refused).toBe('refused')
  five[0]?.socket.disconnect()
  let seventh = new Watcher(url)
  await until(() => seventh.socket.connected || seventh.error !== undefined)
  while (seventh.error) {
    seventh = new Watcher(url)
    await until(() => seventh.socket.connected || seventh.error !== undefined)
  }
  expect(seventh.socket.connected).toBe(true)
  for (const watcher of [...five, seventh]) watcher.socket.disconnect()
  await end()
})

// A client between two polls cannot be reached by then: it comes back with its cursor.
test('a stopping server hands out the rest, and clients know to come back', async () => {
  const [server, end] = await start({})
  const url = `${server.url}/ws/experiments/exp_1`
  const first = (stored.at(-1)?.cursor ?? 0) + 1
  const watchers = [['polling'], ['websocket']].map(
    (transports) => new Watcher(url, { transports }),
  )
  const reasons: string[] = []
  for (const watcher of watchers) {
    await watcher.connected()
    watcher.socket.on('disconnect', (reason) => reasons.push(reason))
    await until(() => watcher.events.length === 1)
  }
  tell(first)
  await end()
  await until(() => reasons.length === 2)
  expect(watchers[1]?.events.at(-1)).toEqual(event(first) as never)
  expect(new Set(reasons).has('io server disconnect')).toBe(false)
})
