/** Readers that do not keep up: memory stays bounded, the others notice nothing. */
import { afterEach, expect, test } from 'bun:test'
import { connect, type Socket } from 'bun'
import { fakeClock } from '../../src/testing.ts'
import { LiveServer, type LiveServerOptions, nextTurn, range, until } from './live-server.ts'

let running: LiveServer | undefined

const start = (options: LiveServerOptions = {}): LiveServer => {
  running = new LiveServer(options)
  return running
}

afterEach(() => running?.stop())

/** A client that completes the handshake and never reads. */
const stalledSocket = async (
  server: LiveServer,
  onData: (chunk: Buffer) => void = () => {},
): Promise<Socket> => {
  const before = server.hub.stats().sockets
  const socket = await connect({
    hostname: '127.0.0.1',
    port: server.server.port as number,
    socket: { data: (_, chunk) => onData(chunk) },
  })
  socket.pause()
  socket.write(
    [
      'GET /ws HTTP/1.1',
      'host: localhost',
      'upgrade: websocket',
      'connection: upgrade',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version: 13',
      '\r\n',
    ].join('\r\n'),
  )
  await until(() => server.hub.stats().sockets === before + 1)
  return socket
}

const padding = 'x'.repeat(2_000)

const logPadded = (server: LiveServer, cursor: number): void => {
  const messages = [{ cursor, data: { id: cursor, padding } }]
  server.stored.push(...messages)
  server.live.publish('run', messages)
}

test('one that never reads is closed, while the others get everything', async () => {
  const server = start({ limits: { socketBytes: 64 * 1024, stallMs: 100 } })
  const readers = await Promise.all(range(1, 3).map(() => server.connect()))
  const stalled = await stalledSocket(server)
  let cursor = 0
  while (server.hub.stats().closedSlow === 0) {
    for (const _ of range(1, 50)) logPadded(server, ++cursor)
    await until(() => readers.every(({ received }) => received.length >= cursor - 200))
    await nextTurn()
  }
  await until(() => readers.every(({ received }) => received.length === cursor))
  for (const reader of readers) expect(reader.cursors).toEqual(range(1, cursor))
  expect(server.hub.stats()).toMatchObject({ sockets: 3, behind: 0, closedSlow: 1 })
  stalled.terminate()
})

test('ten that never read cost no more than their share of memory', async () => {
  const socketBytes = 64 * 1024
  const server = start({ limits: { socketBytes } })
  const stalled: Socket[] = []
  for (const _ of range(1, 10)) stalled.push(await stalledSocket(server))
  let cursor = 0
  while (server.hub.stats().behind < stalled.length) {
    for (const _ of range(1, 100)) logPadded(server, ++cursor)
    await nextTurn()
  }
  const { unsentBytes } = server.hub.stats()
  expect(unsentBytes).toBeLessThan(stalled.length * 4 * socketBytes)
  // Whatever is published now waits for them in storage.
  for (const _ of range(1, 2_000)) logPadded(server, ++cursor)
  await nextTurn()
  expect(server.hub.stats().unsentBytes).toBe(unsentBytes)
  for (const socket of stalled) socket.terminate()
})

test('one that reads late gets everything in order', async () => {
  const server = start({ limits: { socketBytes: 64 * 1024, recentMessages: 50 } })
  let text = ''
  const late = await stalledSocket(server, (chunk) => {
    text += chunk.toString('latin1')
  })
  const reader = await server.connect()
  let cursor = 0
  while (server.hub.stats().behind === 0) {
    for (const _ of range(1, 100)) logPadded(server, ++cursor)
    await nextTurn()
  }
  for (const _ of range(1, 500)) logPadded(server, ++cursor)
  late.resume()
  await until(() => text.includes(`{"id":${cursor},`) && reader.received.length === cursor)
  const seen = [...text.matchAll(/\{"id":(\d+),/g)].map(([, id]) => Number(id))
  expect(seen).toEqual(range(1, cursor))
  expect(server.hub.stats()).toMatchObject({ sockets: 2, behind: 0, closedSlow: 0 })
  late.terminate()
})

test('one of a topic without a past is closed at once with 1013', async () => {
  const server = start({
    limits: { socketBytes: 64 * 1024 },
    channel: { open: () => ({ topic: 'run' }) },
  })
  const reader = await server.connect()
  const message = { cursor: 1, data: 'x'.repeat(16 * 1024 * 1024) }
  server.live.publish('run', [message])
  const reason = 'too slow: come back with ?since='
  expect(await reader.closed).toEqual({ code: 1013, reason })
  expect(server.hub.stats().closedSlow).toBe(1)
})

test('peers that give no sign of life are dropped after three pings', async () => {
  const clock = fakeClock()
  const server = start({ clock, limits: { pingMs: 1_000 } })
  const silent = await stalledSocket(server)
  const alive = await server.connect()
  for (const [index, sockets] of [2, 2, 2, 1, 1, 1, 1].entries()) {
    clock.advance(1_000)
    await until(() => server.pongs === index + 1)
    expect(server.hub.stats().sockets).toBe(sockets)
  }
  expect(alive.socket.readyState).toBe(WebSocket.OPEN)
  silent.terminate()
})
