/** What a client of one live topic meets: handshake, messages, refusals, the end. */
import { afterEach, describe, expect, test } from 'bun:test'
import { connect } from 'bun'
import { HearthError } from '../../src/kernel/errors.ts'
import { LiveServer, type LiveServerOptions, range, until } from './live-server.ts'

let running: LiveServer | undefined

const start = (options: LiveServerOptions = {}): LiveServer => {
  running = new LiveServer(options)
  return running
}

afterEach(() => running?.stop())

describe('messages', () => {
  test('reach every reader, one frame each, from now on', async () => {
    const server = start()
    server.log(1)
    const readers = await Promise.all([server.connect(), server.connect()])
    server.log(2, 3)
    server.log(4)
    await Promise.all(readers.map((reader) => reader.until(3)))
    const expected = ['{"id":2}', '{"id":3}', '{"id":4}']
    expect(readers.map(({ received }) => received)).toEqual([expected, expected])
  })

  test('arrive as arrays when asked for', async () => {
    const server = start()
    const reader = await server.connect('?format=batch')
    server.log(1, 2, 3)
    await reader.until(1)
    expect(reader.received).toEqual(['[{"id":1},{"id":2},{"id":3}]'])
  })

  test('split into several arrays before they get too long for clients', async () => {
    const server = start()
    const reader = await server.connect('?format=batch')
    const data = { id: 1, text: 'x'.repeat(100_000) }
    server.live.publish(
      'run',
      range(1, 6).map((cursor) => ({ cursor, data: { ...data, id: cursor } })),
    )
    await until(() => reader.cursors.length === 6)
    expect(reader.cursors).toEqual(range(1, 6))
    expect(Math.max(...reader.received.map(({ length }) => length))).toBeLessThan(512 * 1024)
  })

  test('come in any number', async () => {
    const server = start()
    const readers = [await server.connect('?format=batch'), await server.connect('?since=0')]
    server.log(...range(1, 10))
    server.live.publish('run', server.store(...range(11, 60_000)))
    const late = server.store(...range(60_001, 120_000))
    server.live.publish('run', late)
    await until(() => readers.every(({ received }) => received.at(-1)?.includes('"id":120000}')))
    for (const { cursors } of readers) expect(cursors).toEqual(range(1, 120_000))
  })

  test('that are strings are sent as they are', async () => {
    const server = start()
    const reader = await server.connect()
    server.live.publish('run', [{ cursor: 1, data: '42["metric",{}]' }])
    await reader.until(1)
    expect(reader.received).toEqual(['42["metric",{}]'])
  })

  test('with a cursor that was there already are dropped', async () => {
    const server = start()
    const reader = await server.connect()
    server.log(1, 2)
    server.log(2, 3)
    server.log(1)
    server.log(4)
    await reader.until(4)
    expect(reader.cursors).toEqual([1, 2, 3, 4])
  })

  test('stay within their topic and plugin', async () => {
    const server = start()
    const reader = await server.connect()
    server.live.publish('other', [{ cursor: 1, data: 'other topic' }])
    server.hub.liveOf('stranger').publish('run', [{ cursor: 1, data: 'other plugin' }])
    server.log(1)
    await reader.until(1)
    expect(reader.received).toEqual(['{"id":1}'])
  })

  test('need their data only while somebody watches', async () => {
    const server = start()
    expect(server.live.needsData('run')).toBe(false)
    const reader = await server.connect()
    expect(server.live.needsData('run')).toBe(true)
    reader.socket.close()
    await until(() => server.hub.stats().sockets === 0)
    expect(server.live.needsData('run')).toBe(false)
    expect(server.hub.stats()).toEqual(idle)
  })

  test('that were only announced are read from storage', async () => {
    const server = start()
    const reader = await server.connect()
    server.store(5, 6)
    server.live.advance('run', 5, 6)
    server.log(7)
    await reader.until(3)
    expect(reader.cursors).toEqual([5, 6, 7])
  })
})

describe('the handshake', () => {
  const ask = (server: LiveServer, query = '', headers: Record<string, string> = upgradeHeaders) =>
    fetch(`${server.server.url}ws${query}`, { headers }).then(async (response) => ({
      status: response.status,
      ...((await response.json()) as { code: string; message: string }),
    }))

  test.each([
    ['?since=-1', 'since must be the cursor of a message: a whole number, not negative'],
    ['?since=abc', 'since must be the cursor of a message: a whole number, not negative'],
    ['?since=1.5', 'since must be the cursor of a message: a whole number, not negative'],
    [
      '?since=99999999999999999999',
      'since must be the cursor of a message: a whole number, not negative',
    ],
    ['?format=xml', 'format must be message or batch'],
    ['?format=constructor', 'format must be message or batch'],
  ])('refuses %s', async (query, message) => {
    expect(await ask(start(), query)).toEqual({ status: 422, code: 'validation', message })
  })

  test('is refused as the channel says', async () => {
    const server = start({
      channel: {
        open: () => {
          throw new HearthError('not_found', 'Run not found')
        },
      },
    })
    const expected = { status: 404, code: 'not_found', message: 'Run not found' }
    expect(await ask(server)).toEqual(expected)
  })

  test('is refused when the request is a plain one, or not quite a WebSocket', async () => {
    const server = start()
    expect(await ask(server, '', {})).toMatchObject({ status: 426, code: 'upgrade_required' })
    expect(await ask(server, '', { upgrade: 'websocket' })).toMatchObject({ status: 400 })
  })

  test('is refused when there are too many sockets', async () => {
    const server = start({ limits: { sockets: 1 } })
    await server.connect()
    expect(await ask(server)).toMatchObject({ status: 503, code: 'unavailable' })
  })

  test('answers the subprotocol that carries a token, and never the token', async () => {
    const server = start()
    expect((await server.connect('', ['bearer', 'secret'])).socket.protocol).toBe('bearer')
    expect((await server.connect()).socket.protocol).toBe('')
  })

  test('hands the query and the parameters to the channel', async () => {
    const seen: unknown[] = []
    const server = start({
      channel: {
        open: ({ params, query, who }) => {
          seen.push({ params, query: Object.fromEntries(query), who })
          return { topic: 'run' }
        },
      },
    })
    await server.connect('?a=1&since=3')
    expect(seen).toEqual([{ params: {}, query: { a: '1', since: '3' }, who: null }])
  })
})

describe('what clients send', () => {
  test('is ignored unless the subscription handles it', async () => {
    const server = start()
    const reader = await server.connect()
    reader.socket.send('hello')
    reader.socket.send(new Uint8Array(10))
    server.log(1)
    await reader.until(1)
    expect(reader.received).toEqual(['{"id":1}'])
  })

  test('is handled one after another, however long each takes', async () => {
    const gates = range(0, 39).map(() => Promise.withResolvers<void>())
    const server = start({
      channel: {
        open: () => ({
          topic: 'run',
          async message(data, reply) {
            await gates[Number(data)]?.promise
            reply({ echo: data })
          },
        }),
      },
    })
    const reader = await server.connect()
    for (const index of range(0, 39)) reader.socket.send(String(index))
    for (const gate of gates.toReversed()) gate.resolve()
    await reader.until(40)
    expect(reader.received).toEqual(range(0, 39).map((index) => `{"echo":"${index}"}`))
  })

  test('closes this socket, and no other, when its handler fails', async () => {
    const server = start({
      channel: {
        open: () => ({
          topic: 'run',
          message: () => Promise.reject(new Error('no')),
        }),
      },
    })
    const [failing, other] = [await server.connect(), await server.connect()]
    failing.socket.send('x')
    const reason = 'the message could not be handled'
    expect(await failing.closed).toEqual({ code: 1011, reason })
    server.log(1)
    await other.until(1)
  })

  test('may be long only up to a limit', async () => {
    const server = start()
    const reader = await server.connect()
    reader.socket.send('x'.repeat(64 * 1024 + 1))
    expect((await reader.closed).code).not.toBe(1000)
    await until(() => server.hub.stats().sockets === 0)
  })

  test.each<[string, number[]]>([
    ['reserved bits', Array<number>(16).fill(0xff)],
    ['an unmasked frame', [0x81, 0x01, 0x41]],
    ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0]],
    ['text that is not UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]],
    ['a fragmented ping', [0x09, 0x80, 0, 0, 0, 0]],
    ['a length of eight exabytes', [0x82, 0xff, 0x7f, ...Array<number>(11).fill(0xff)]],
  ])('closes the socket for %s, and nothing else happens', async (_, bytes) => {
    const server = start()
    const other = await server.connect()
    const closed = Promise.withResolvers<void>()
    const raw = await connect({
      hostname: '127.0.0.1',
      port: server.server.port as number,
      socket: { data() {}, close: () => closed.resolve() },
    })
    raw.write(rawHandshake)
    await until(() => server.hub.stats().sockets === 2)
    raw.write(new Uint8Array(bytes))
    await closed.promise
    server.log(1)
    await other.until(1)
    expect(server.hub.stats().sockets).toBe(1)
  })
})

test('stopping hands out what waits, then closes with 1001 and refuses newcomers', async () => {
  const server = start()
  const readers = await Promise.all(range(1, 20).map(() => server.connect()))
  server.log(...range(1, 500))
  await server.hub.stop()
  const expected = { code: 1001, reason: 'the server is stopping' }
  for (const reader of readers) {
    expect(await reader.closed).toEqual(expected)
    expect(reader.cursors).toEqual(range(1, 500))
  }
  const refused = await fetch(`${server.server.url}ws`, { headers: upgradeHeaders })
  expect(refused.status).toBe(503)
})

const idle = { sockets: 0, behind: 0, topics: 0, unsentBytes: 0, closedSlow: 0 }

const upgradeHeaders = {
  upgrade: 'websocket',
  connection: 'upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
}

const rawHandshake = [
  'GET /ws HTTP/1.1',
  'host: localhost',
  ...Object.entries(upgradeHeaders).map(([name, value]) => `${name}: ${value}`),
  '\r\n',
].join('\r\n')
