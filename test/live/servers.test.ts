/** Several servers on one storage: readers miss nothing, whoever writes, whatever the bus loses. */
import { afterEach, expect, test } from 'bun:test'
import type { Notice } from '../../src/live/announcer.ts'
import { type Bus, type BusListener, redisBus } from '../../src/live/bus.ts'
import type { LiveMessage } from '../../src/live/live.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { fakeClock } from '../../src/testing.ts'
import { LiveServer, nextTurn, range, until } from './live-server.ts'
import { RedisProxy, redisUrl } from './redis-proxy.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const serverOn = (bus: Bus, stored: LiveMessage[], past = true): LiveServer => {
  const channel = { open: () => ({ topic: 'run' }) }
  const server = new LiveServer({ bus, stored, ...(!past && { channel }) })
  cleanups.push(async () => {
    await server.stop()
    await bus.close()
  })
  return server
}

const busOn = (url: string, prefix: string): Promise<Bus> => redisBus(url, silentLogger, prefix)

const unique = (): string => `test-${crypto.randomUUID()}:`

test('readers on two servers get what either of them logs, once', async () => {
  const [prefix, stored] = [unique(), [] as LiveMessage[]]
  const first = serverOn(await busOn(redisUrl, prefix), stored)
  const second = serverOn(await busOn(redisUrl, prefix), stored)
  const readers = [await first.connect(), await second.connect(), await second.connect('?since=0')]
  for (const cursor of range(1, 100)) {
    const server = cursor % 3 === 0 ? first : second
    server.log(cursor)
    if (cursor % 5 === 0) await nextTurn()
  }
  await until(() => readers.every(({ received }) => received.length >= 100))
  for (const { cursors } of readers) expect(cursors).toEqual(range(1, 100))
})

test('topics without a past are carried by the bus itself', async () => {
  const prefix = unique()
  const first = serverOn(await busOn(redisUrl, prefix), [], false)
  const second = serverOn(await busOn(redisUrl, prefix), [], false)
  const readers = [await first.connect(), await second.connect()]
  // More than one payload takes.
  const text = 'x'.repeat(30_000)
  first.live.publish(
    'run',
    range(1, 10).map((cursor) => ({ cursor, data: { id: cursor, text } })),
  )
  await until(() => readers.every(({ received }) => received.length >= 10))
  for (const { cursors } of readers) expect(cursors).toEqual(range(1, 10))
})

test('servers with different prefixes do not hear each other', async () => {
  const [first, second] = [await busOn(redisUrl, unique()), await busOn(redisUrl, unique())]
  cleanups.push(() => Promise.all([first.close(), second.close()]))
  const heard: Notice[] = []
  second.subscribe({ notice: (notice) => heard.push(notice), restored() {} })
  first.publish({ topic: 'a', first: 1, last: 1 })
  await first.counter?.add('a round trip later', 0, 1_000, 1)
  await second.counter?.add('a round trip later', 0, 1_000, 1)
  expect(heard).toEqual([])
})

test('Redis gone and back: local readers notice nothing, the others miss nothing', async () => {
  const [prefix, stored, proxy] = [unique(), [] as LiveMessage[], new RedisProxy()]
  cleanups.push(() => proxy.shut())
  const first = serverOn(await busOn(proxy.url, prefix), stored)
  const second = serverOn(await busOn(proxy.url, prefix), stored)
  const local = await first.connect()
  const remote = await second.connect('?since=0')
  first.log(1, 2)
  await until(() => remote.received.length === 2)
  const newcomer = await second.connect()
  for (const outage of range(1, 3)) {
    const begin = outage * 100
    proxy.shut()
    first.log(...range(begin, begin + 50))
    await until(() => local.cursors.at(-1) === begin + 50)
    expect(remote.cursors.at(-1)).toBeLessThan(begin)
    proxy.open()
    await until(() => remote.cursors.at(-1) === begin + 50)
  }
  expect(remote.cursors).toEqual(stored.map(({ cursor }) => cursor))
  expect(local.cursors).toEqual(remote.cursors)
  await until(() => newcomer.received.length >= remote.received.length - 2)
  expect(newcomer.cursors).toEqual(remote.cursors.slice(2))
})

test('a reader that was quiet until Redis went misses nothing either', async () => {
  const [prefix, stored, proxy] = [unique(), [] as LiveMessage[], new RedisProxy()]
  cleanups.push(() => proxy.shut())
  const first = serverOn(await busOn(redisUrl, prefix), stored)
  const second = serverOn(await busOn(proxy.url, prefix), stored)
  first.log(1, 2)
  const remote = await second.connect()
  await until(() => second.hub.stats().behind === 0)
  proxy.shut()
  first.log(3, 4)
  proxy.open()
  await remote.until(2)
  expect(remote.cursors).toEqual([3, 4])
})

test('a server starts without Redis and joins when it comes', async () => {
  const [prefix, stored, proxy] = [unique(), [] as LiveMessage[], new RedisProxy()]
  cleanups.push(() => proxy.shut())
  proxy.shut()
  const first = serverOn(await busOn(proxy.url, prefix), stored)
  const local = await first.connect('?since=0')
  first.log(1)
  await local.until(1)
  proxy.open()
  const second = serverOn(await busOn(redisUrl, prefix), stored)
  const remote = await second.connect('?since=1')
  first.log(2)
  await remote.until(1)
  expect([local.cursors, remote.cursors]).toEqual([[1, 2], [2]])
})

test('a count is shared, has its window and ends with it', async () => {
  const prefix = unique()
  const [first, second] = [await busOn(redisUrl, prefix), await busOn(redisUrl, prefix)]
  cleanups.push(() => Promise.all([first.close(), second.close()]))
  const totals = [
    await first.counter?.add('user:1', 60_000, 1_000, 3),
    await second.counter?.add('user:1', 60_000, 1_000, 4),
    await second.counter?.add('user:2', 60_000, 1_000, 1),
    await second.counter?.add('user:1', 120_000, 1_000, 1),
  ]
  expect(totals).toEqual([3, 7, 1, 1])
})

test('a count that cannot be added is refused at once', async () => {
  const proxy = new RedisProxy()
  const bus = await busOn(proxy.url, unique())
  cleanups.push(() => bus.close())
  proxy.shut()
  await expect(bus.counter?.add('user:1', 0, 1_000, 1)).rejects.toThrow()
})

/** A bus on which the test decides what arrives, and when. */
const scriptedBus = (): Bus & { arrive(notice: Notice): void; restore(): void } => {
  const listeners: BusListener[] = []
  return {
    shared: true,
    publish() {},
    subscribe: (listener) => void listeners.push(listener),
    async close() {},
    arrive: (notice) => listeners.forEach((listener) => listener.notice(notice)),
    restore: () => listeners.forEach((listener) => listener.restored()),
  }
}

test('announcements that overtake each other do not change the order', async () => {
  const bus = scriptedBus()
  const server = serverOn(bus, [])
  const reader = await server.connect('?since=0')
  // Another server committed 1 and 2, this one 3; the announcement of 1 and 2 comes late.
  server.store(1, 2)
  server.log(3)
  await reader.until(3)
  bus.arrive({ topic: 'test/run', first: 1, last: 2 })
  server.log(4)
  await reader.until(4)
  expect(reader.cursors).toEqual([1, 2, 3, 4])
})

test('announcements that were lost are made up for when the bus is back', async () => {
  const bus = scriptedBus()
  const server = serverOn(bus, [])
  const reader = await server.connect('?since=0')
  await until(() => server.hub.stats().behind === 0)
  server.store(1, 2, 3)
  bus.restore()
  await reader.until(3)
  expect(reader.cursors).toEqual([1, 2, 3])
})

test('storage that fails is asked again, and nothing is lost', async () => {
  const clock = fakeClock()
  const server = new LiveServer({ bus: scriptedBus(), clock })
  cleanups.push(() => server.stop())
  const reader = await server.connect('?since=0')
  await until(() => server.hub.stats().behind === 0)
  const replay = server.replay.bind(server)
  let failures = 0
  server.replay = async function* (since) {
    if (failures++ === 0) throw new Error('the database is restarting')
    yield* replay(since)
  }
  const received = (count: number) =>
    until(() => {
      clock.advance(10)
      return reader.received.length === count
    })
  server.log(1)
  await received(1)
  server.log(2)
  await received(2)
  expect([reader.cursors, failures]).toEqual([[1, 2], 3])
})

test('data is not asked for where storage will be read anyway', async () => {
  const server = serverOn(scriptedBus(), [])
  await server.connect()
  expect(server.live.needsData('run')).toBe(false)
})
