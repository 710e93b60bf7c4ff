/** Coming back with a cursor: no gap, no repeat, in order, whatever happens meanwhile. */
import { afterEach, expect, test } from 'bun:test'
import type { LiveMessage } from '../../src/live/live.ts'
import { LiveServer, type LiveServerOptions, nextTurn, range, until } from './live-server.ts'

let running: LiveServer | undefined

const start = (options: LiveServerOptions = {}): LiveServer => {
  running = new LiveServer(options)
  return running
}

afterEach(() => running?.stop())

test('begins after the cursor, and goes on live', async () => {
  const server = start()
  server.log(...range(1, 1_000))
  const reader = await server.connect('?since=400')
  await reader.until(600)
  server.log(1_001)
  await reader.until(601)
  expect(reader.cursors).toEqual(range(401, 1_001))
})

test('begins at the beginning for 0, and with what is to come for the last one', async () => {
  const server = start()
  server.log(...range(1, 10))
  const all = await server.connect('?since=0')
  const last = await server.connect('?since=10')
  await all.until(10)
  await until(() => server.hub.stats().behind === 0)
  server.log(11)
  await Promise.all([all.until(11), last.until(1)])
  expect([all.cursors, last.cursors]).toEqual([range(1, 11), [11]])
})

test('has no gap and no repeat while messages keep coming', async () => {
  const server = start()
  server.log(...range(1, 500))
  let cursor = 500
  let going = true
  const writer = (async () => {
    while (going) {
      // Some turns are between storing and publishing, as behind a group commit.
      const messages = server.store(...range(cursor + 1, cursor + (cursor % 7) + 1))
      cursor += messages.length
      if (cursor % 3 === 0) await nextTurn()
      server.live.publish('run', messages)
      await nextTurn()
    }
  })()
  const since = range(0, 39).map((index) => index * 13)
  const readers = await Promise.all(
    since.map((from, index) =>
      server.connect(`?since=${from}${index % 2 === 0 ? '' : '&format=batch'}`),
    ),
  )
  await until(() => cursor > 1_500 && server.hub.stats().behind === 0)
  going = false
  await writer
  await until(() => readers.every(({ cursors }) => cursors.at(-1) === cursor))
  expect(readers.map(({ cursors }) => cursors)).toEqual(
    since.map((from) => range(from + 1, cursor)),
  )
})

test('repeats nothing that was stored and replayed before it was published', async () => {
  const server = start()
  server.log(1)
  const messages = server.store(2, 3)
  const reader = await server.connect('?since=0')
  await reader.until(3)
  server.live.publish('run', messages)
  server.log(4)
  await reader.until(4)
  expect(reader.cursors).toEqual([1, 2, 3, 4])
})

test('needs no storage for what memory still has', async () => {
  const server = start()
  await server.connect()
  server.log(...range(1, 100))
  const back = await server.connect('?since=60')
  await back.until(40)
  expect([back.cursors, server.replays]).toEqual([range(61, 100), []])
})

test('reads storage again when memory forgot meanwhile, and only what is missing', async () => {
  const held = Promise.withResolvers<void>()
  const server = start({ limits: { recentMessages: 10 } })
  server.store(...range(1, 50))
  const plain = server.replay.bind(server)
  server.replay = async function* (since) {
    yield* plain(since)
    await held.promise
  }
  const reader = await server.connect('?since=0')
  await reader.until(50)
  server.log(...range(51, 90))
  held.resolve()
  await reader.until(90)
  expect([reader.cursors, server.replays]).toEqual([range(1, 90), [0, 50]])
})

test('ends when what memory forgot has been deleted from storage', async () => {
  const server = start({ limits: { recentMessages: 2 } })
  await server.connect()
  server.log(...range(1, 20))
  server.stored.length = 0
  const reader = await server.connect('?since=3')
  await until(() => server.hub.stats().behind === 0)
  server.log(21)
  await reader.until(1)
  expect(reader.cursors).toEqual([21])
})

test('reads from storage for a few at a time only', async () => {
  let reading = 0
  let most = 0
  const server = start({
    limits: { replays: 3 },
    channel: {
      open: () => ({
        topic: 'run',
        async *replay(): AsyncGenerator<readonly LiveMessage[]> {
          most = Math.max(most, ++reading)
          await nextTurn()
          reading--
          yield [{ cursor: 1, data: { id: 1 } }]
        },
      }),
    },
  })
  const readers = await Promise.all(range(1, 30).map(() => server.connect('?since=0')))
  await Promise.all(readers.map((reader) => reader.until(1)))
  expect(most).toBe(3)
})

test('that fails closes the socket with 1011', async () => {
  const server = start({
    channel: {
      open: () => ({
        topic: 'run',
        async *replay(): AsyncGenerator<readonly LiveMessage[]> {
          throw new Error('disk gone')
        },
      }),
    },
  })
  const reader = await server.connect('?since=0')
  expect(await reader.closed).toEqual({ code: 1011, reason: 'replay failed' })
})

test('is given up when the reader leaves in the middle', async () => {
  let finished = false
  const server = start({
    channel: {
      open: () => ({
        topic: 'run',
        async *replay(): AsyncGenerator<readonly LiveMessage[]> {
          try {
            for (let cursor = 1; ; cursor++) {
              await nextTurn()
              yield [{ cursor, data: { id: cursor } }]
            }
          } finally {
            finished = true
          }
        },
      }),
    },
  })
  const reader = await server.connect('?since=0')
  await reader.until(3)
  reader.socket.close()
  await until(() => finished)
  expect(server.hub.stats()).toMatchObject({ sockets: 0, behind: 0, topics: 0 })
})
