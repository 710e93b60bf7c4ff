/** The live hub: WebSockets on one side, topics with cursors on the other. */
import type { Server, WebSocketHandler } from 'bun'
import type { Who } from '../auth/who.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Notice } from './announcer.ts'
import type { Bus } from './bus.ts'
import { catchUp } from './catch-up.ts'
import { Feed } from './feed.ts'
import { type Frame, toFrames } from './frames.ts'
import { createGate } from './gate.ts'
import { watchHeartbeat } from './heartbeat.ts'
import { receive } from './inbox.ts'
import { defaultLimits, type LiveLimits, shareOf } from './limits.ts'
import type { Channel, Live, LiveMessage } from './live.ts'
import { closeCode, Reader } from './reader.ts'
import { Topic } from './topic.ts'
import { readUpgrade } from './upgrade.ts'

export interface HubOptions {
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: Partial<LiveLimits>
}

export interface Upgrade {
  readonly request: Request
  readonly socket: Pick<Server<Reader>, 'upgrade'>
  readonly channel: Channel
  readonly params: Readonly<Record<string, string>>
  readonly who: Who | null
  readonly pluginId: string
}

export interface HubStats {
  readonly sockets: number
  /** Sockets that are being brought up to date. */
  readonly behind: number
  readonly topics: number
  /** Sockets closed so far because they did not keep up. */
  readonly closedSlow: number
}

export interface Hub {
  /**
   * Makes a WebSocket of the request; answers undefined then.
   * @throws HearthError also whatever `channel.open` throws, to be answered as HTTP
   */
  upgrade(upgrade: Upgrade): Promise<undefined>
  /** The handler for `Bun.serve`. */
  readonly websocket: WebSocketHandler<Reader>
  /** The publishing side for one plugin. */
  liveOf(pluginId: string): Live
  stats(): HubStats
  /** Hands out what is waiting, then closes every socket with 1001. */
  stop(): Promise<void>
}

interface Watched {
  readonly topic: Topic
  readonly feed: Feed
}

/** A second net under our own heartbeat, whose pongs keep living sockets clear of it. */
const idleTimeoutS = 240

export const createHub = (options: HubOptions): Hub => {
  const { bus, clock, log } = options
  const limits: LiveLimits = { ...defaultLimits, ...options.limits }
  const readers = new Set<Reader>()
  const watched = new Map<string, Watched>()
  const gate = createGate(limits.replays)
  let stopping = false
  let closedSlow = 0

  const maxBytes = () => shareOf(limits, readers.size)

  const closeSlow = (reader: Reader) => {
    closedSlow++
    reader.close(closeCode.tryAgainLater, 'too slow: come back with ?since=')
  }

  const bringUpToDate = async (reader: Reader, topic: Topic) => {
    try {
      const pace = { clock, stallMs: limits.stallMs, maxBytes, gate }
      const end = await catchUp(reader, topic, pace)
      if (end === 'stalled') closeSlow(reader)
      if (end === 'live' && bus.shared) topic.settle()
    } catch (error) {
      log.error('Replaying a live topic failed', { topic: reader.topic, error })
      reader.close(closeCode.internalError, 'replay failed')
    }
  }

  const handOut = (reader: Reader, frames: readonly Frame[]) => {
    const limit = maxBytes()
    if (reader.send(frames, limit) && reader.waitingBytes <= limit) return
    if (!reader.open) return
    const room = watched.get(reader.topic)
    if (room && reader.subscription.replay) void bringUpToDate(reader, room.topic)
    else closeSlow(reader)
  }

  const watch = (key: string): Watched => {
    let room = watched.get(key)
    if (!room) {
      const topic = new Topic({ clock, limits, handOut })
      const feed = new Feed(topic, { clock, gate, log: log.with({ topic: key }) })
      room = { topic, feed }
      watched.set(key, room)
    }
    return room
  }

  const enter = (reader: Reader) => {
    readers.add(reader)
    const { topic, feed } = watch(reader.topic)
    topic.readers.add(reader)
    feed.replay ??= reader.subscription.replay?.bind(reader.subscription)
    if (reader.since !== undefined && reader.subscription.replay) {
      void bringUpToDate(reader, topic)
    } else {
      reader.cursor = topic.last ?? Number.NEGATIVE_INFINITY
      reader.joined = true
    }
  }

  const leave = (reader: Reader) => {
    readers.delete(reader)
    reader.wake()
    const room = watched.get(reader.topic)
    room?.topic.readers.delete(reader)
    if (room?.topic.readers.size === 0) watched.delete(reader.topic)
  }

  const onNotice = ({ topic, first, last, messages }: Notice) => {
    const room = watched.get(topic)
    if (!room) return
    if (room.feed.replay) room.feed.announce(first, last)
    else if (messages) room.topic.deliver(toFrames(messages))
  }

  const publish = (key: string, messages: readonly LiveMessage[]) => {
    const first = messages[0]?.cursor
    const last = messages.at(-1)?.cursor
    if (first === undefined || last === undefined) return
    const room = watched.get(key)
    const announceOnly = bus.shared && room?.feed.replay !== undefined
    if (bus.shared) bus.publish({ topic: key, first, last, ...(!announceOnly && { messages }) })
    if (!room) return
    if (announceOnly || room.feed.running) room.feed.announce(first, last)
    else room.topic.deliver(toFrames(messages))
  }

  const advance = (key: string, first: number, last: number) => {
    if (bus.shared) bus.publish({ topic: key, first, last })
    watched.get(key)?.feed.announce(first, last)
  }

  bus.subscribe({
    notice: onNotice,
    restored() {
      for (const { feed } of watched.values()) feed.refresh()
    },
  })
  const heartbeat = watchHeartbeat(readers, clock, limits.pingMs)

  return {
    async upgrade(upgrade) {
      if (stopping) throw new HearthError('shutting_down')
      if (readers.size >= limits.sockets) {
        throw new HearthError('unavailable', 'Too many WebSockets are open')
      }
      const { data, headers } = await readUpgrade(upgrade)
      if (!upgrade.socket.upgrade(upgrade.request, { data, headers })) {
        throw new HearthError('bad_request', 'This is not a valid WebSocket handshake')
      }
      return undefined
    },
    websocket: {
      idleTimeout: idleTimeoutS,
      sendPings: false,
      maxPayloadLength: limits.messageBytes,
      backpressureLimit: 2 * limits.socketBytes,
      open(socket) {
        const reader = socket.data
        reader.attach(socket)
        if (stopping) reader.close(closeCode.goingAway, 'the server is stopping')
        else enter(reader)
      },
      message: (socket, data) => receive(socket.data, data, log),
      drain: (socket) => socket.data.wake(),
      pong(socket) {
        socket.data.silentPings = 0
      },
      close: (socket) => leave(socket.data),
    },
    liveOf: (pluginId) => ({
      publish: (topic, messages) => publish(`${pluginId}/${topic}`, messages),
      advance: (topic, first, last) => advance(`${pluginId}/${topic}`, first, last),
      needsData(topic) {
        const room = watched.get(`${pluginId}/${topic}`)
        return room !== undefined && !(bus.shared && room.feed.replay)
      },
    }),
    stats: () => ({
      sockets: readers.size,
      behind: [...readers].filter(({ state }) => state === 'behind').length,
      topics: watched.size,
      closedSlow,
    }),
    async stop() {
      stopping = true
      heartbeat.cancel()
      await Promise.all([...watched.values()].map(({ topic }) => topic.flush()))
      const waiting = [...readers].filter(({ waitingBytes }) => waitingBytes > 0)
      if (waiting.length > 0) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(limits.stopMs, resolve)
          const all = waiting.map((reader) => reader.hasRoom(0, clock, limits.stopMs))
          void Promise.all(all).then(() => {
            timer.cancel()
            resolve()
          })
        })
      }
      for (const reader of [...readers]) {
        reader.close(closeCode.goingAway, 'the server is stopping')
      }
    },
  }
}
