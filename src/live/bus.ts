/** What servers tell each other: that live topics moved on, and how often callers called. */
import { Redis } from 'ioredis'
import type { SharedCounter } from '../auth/limits.ts'
import type { Logger } from '../kernel/log.ts'
import { Announcer, everyTopic, type Notice } from './announcer.ts'

export interface BusListener {
  /** A notice of another server. */
  notice(notice: Notice): void
  /** Notices may have been lost: there may be something to read on every topic. */
  restored(): void
}

export interface Bus {
  /** Whether other servers may be publishing too. */
  readonly shared: boolean
  /** Counts across servers; absent when there is only this one. */
  readonly counter?: SharedCounter
  publish(notice: Notice): void
  subscribe(listener: BusListener): void
  close(): Promise<void>
}

/** The bus of a server that is alone: there is nobody to tell. */
export const memoryBus = (): Bus => ({
  shared: false,
  publish() {},
  subscribe() {},
  async close() {},
})

const defaultPrefix = 'hearth:'

/** Longest wait between two attempts to reach Redis. */
const maxRetryMs = 2_000

const commandTimeoutMs = 5_000

/** A connection that died without a word is noticed within this and `commandTimeoutMs`. */
const pingMs = 10_000

/** The server starts without Redis when it is not there by then, and joins when it comes. */
const firstContactMs = 2_000

/**
 * A bus over Redis pub/sub, which forgets what nobody hears. That is enough: a notice only says
 * that there is something to read, and after a pause everybody reads.
 *
 * @param prefix first part of all names in Redis: servers with different ones do not meet
 */
export const redisBus = async (
  url: string,
  log: Logger,
  prefix: string = defaultPrefix,
): Promise<Bus> => {
  const channel = `${prefix}live`
  const origin = crypto.randomUUID()
  const listeners = new Set<BusListener>()
  const sender = connect(url, log.with({ redis: 'sender' }))
  const receiver = connect(url, log.with({ redis: 'receiver' }))

  const announcer = new Announcer(async (notice) => {
    await sender.publish(channel, JSON.stringify({ ...notice, origin }))
  })
  sender.on('ready', () => announcer.resume())
  sender.on('close', () => announcer.pause())

  const restored = () => {
    for (const listener of listeners) listener.restored()
  }
  receiver.on('message', (_channel: string, text: string) => {
    const notice = JSON.parse(text) as Notice & { readonly origin: string }
    if (notice.origin === origin) return
    if (notice.topic === everyTopic) return restored()
    for (const listener of listeners) listener.notice(notice)
  })
  const listening = new Promise<void>((resolve) => {
    receiver.on('ready', () => {
      // When it fails the connection is gone again, and `ready` comes again.
      const heard = receiver.subscribe(channel).then(restored, () => {})
      void heard.then(resolve)
    })
  })
  const refused = new Promise<void>((resolve) => receiver.once('error', () => resolve()))
  const late = new Promise<void>((resolve) => setTimeout(resolve, firstContactMs).unref())
  await Promise.race([listening, refused, late])

  return {
    shared: true,
    counter: counterOn(sender, prefix),
    publish: (notice) => announcer.publish(notice),
    subscribe: (listener) => void listeners.add(listener),
    async close() {
      await announcer.flush()
      sender.disconnect()
      receiver.disconnect()
    },
  }
}

/** A connection that comes back by itself; commands fail at once while it is gone. */
const connect = (url: string, log: Logger): Redis => {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    retryStrategy: (times) =>
      Math.min(maxRetryMs, 50 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
  })
  let reachable = true
  redis.on('error', (error) => {
    if (reachable) log.warn('Redis cannot be reached; going on without it', { error })
    reachable = false
  })
  redis.on('ready', () => {
    if (!reachable) log.info('Redis is back')
    reachable = true
  })
  const pings = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(() => redis.disconnect(true))
  }, pingMs)
  pings.unref()
  redis.on('end', () => clearInterval(pings))
  return redis
}

const counterOn = (redis: Redis, prefix: string): SharedCounter => ({
  async add(key, windowStartMs, windowMs, n) {
    const name = `${prefix}count:${key}:${windowStartMs}`
    // Kept for a second window, for servers whose clocks lag.
    const replies = await redis
      .multi()
      .incrby(name, n)
      .pexpire(name, 2 * windowMs)
      .exec()
    const [error, total] = replies?.[0] ?? []
    if (error || typeof total !== 'number') throw error ?? new Error('Redis dropped the count')
    return total
  },
})

/** @throws the reason why Redis does not answer */
export const pingRedis = async (url: string): Promise<void> => {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 2_000, retryStrategy: null })
  // What `connect` rejects with only says that the connection is closed.
  let reason: Error | undefined
  redis.on('error', (error) => {
    reason = error
  })
  try {
    await redis.connect()
    await redis.ping()
  } catch (error) {
    throw reason ?? error
  } finally {
    redis.disconnect()
  }
}
