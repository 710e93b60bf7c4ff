/** The live hub: WebSockets on one side, topics with cursors on the other. */
import type { Server, WebSocketHandler } from 'bun'
import type { Who } from '../auth/who.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Bus } from './bus.ts'
import { watchHeartbeat, watchIdle } from './heartbeat.ts'
import { textOf } from './frames.ts'
import { receive } from './inbox.ts'
import { defaultLimits, type LiveLimits } from './limits.ts'
import type { Channel, Live } from './live.ts'
import { Publisher } from './publisher.ts'
import { closeCode, type Link, type Reader } from './reader.ts'
import { Rooms } from './rooms.ts'
import { Seats } from './seats.ts'
import { openReader, readUpgrade } from './upgrade.ts'

export interface HubOptions {
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: Partial<LiveLimits>
}

/** Who comes to which channel. */
export interface Visit {
  readonly channel: Channel
  readonly params: Readonly<Record<string, string>>
  readonly who: Who | null
  readonly pluginId: string
  /** Given where the channel's `maxPerAddress` is to be kept. */
  readonly address?: string
}

export interface Upgrade extends Visit {
  readonly request: Request
  readonly socket: Pick<Server<Reader>, 'upgrade'>
}

export interface Opening extends Visit {
  readonly query: URLSearchParams
  readonly release?: () => void
}

export interface HubStats {
  readonly sockets: number
  /** Sockets that are being brought up to date. */
  readonly behind: number
  readonly topics: number
  /** What all sockets together still have to take. */
  readonly unsentBytes: number
  /** Sockets closed so far because they did not keep up. */
  readonly closedSlow: number
}

export interface Hub {
  /**
   * Makes a WebSocket of the request; answers undefined then.
   * @throws HearthError also whatever `channel.open` throws, to be answered as HTTP
   */
  upgrade(upgrade: Upgrade): Promise<undefined>
  /**
   * A reader for a connection that is no WebSocket of Bun's; `join` or `leave` must follow.
   * @throws HearthError also whatever `channel.open` throws
   */
  open(opening: Opening): Promise<Reader>
  join(reader: Reader, link: Link): void
  leave(reader: Reader): void
  /** A message of the client. */
  receive(reader: Reader, text: string): void
  /** The handler for `Bun.serve`. */
  readonly websocket: WebSocketHandler<Reader>
  /** The publishing side for one plugin. */
  liveOf(pluginId: string): Live
  stats(): HubStats
  /** Closes the sockets of a plugin that is replaced: their readers come back with a cursor. */
  release(pluginId: string): void
  /** Hands out what is waiting, then closes every socket with 1001. */
  stop(): Promise<void>
}

/** A second net under our own heartbeat, whose pongs keep living sockets clear of it. */
const idleTimeoutS = 240

export const createHub = (options: HubOptions): Hub => {
  const { bus, clock, log } = options
  const limits: LiveLimits = { ...defaultLimits, ...options.limits }
  const rooms = new Rooms({ clock, log, limits, shared: bus.shared })
  const publisher = new Publisher(rooms, bus)
  const heartbeat = watchHeartbeat(rooms.readers, clock, limits.pingMs)
  const idle = watchIdle(rooms.readers, clock)
  const seats = new Seats()
  let stopping = false

  const admit = () => {
    if (stopping) throw new HearthError('shutting_down')
    if (rooms.readers.size < limits.sockets) return
    throw new HearthError('unavailable', 'Too many WebSockets are open')
  }
  /** Takes the visitor's seat, and gives it back when `work` fails. */
  const seated = async <T>(
    { address, channel, pluginId }: Visit,
    work: (seat: { release?: () => void }) => Promise<T>,
  ): Promise<T> => {
    const { maxPerAddress, path } = channel
    if (address === undefined || maxPerAddress === undefined) return work({})
    const release = seats.take(`${pluginId} ${path} ${address}`, maxPerAddress)
    try {
      return await work({ release })
    } catch (error) {
      release()
      throw error
    }
  }
  const join = (reader: Reader, link: Link) => {
    reader.attach(link)
    if (stopping) return reader.close(closeCode.goingAway, farewell)
    const { hello, closing } = reader.subscription
    if (hello !== undefined) reader.reply(textOf(hello))
    if (closing) return reader.close(closing.code, closing.reason)
    rooms.enter(reader)
    reader.subscription.opened?.({
      send: (data) => reader.reply(textOf(data)),
      close: (code, reason) => reader.close(code, reason),
    })
  }
  const leave = (reader: Reader) => {
    const wasIn = rooms.readers.has(reader)
    rooms.leave(reader)
    reader.release?.()
    if (wasIn) reader.subscription.closed?.()
  }

  return {
    async upgrade(upgrade) {
      admit()
      return seated(upgrade, async (seat) => {
        const { data, headers } = await readUpgrade({ ...upgrade, ...seat }, bus.shared)
        if (!upgrade.socket.upgrade(upgrade.request, { data, headers })) {
          throw new HearthError('bad_request', 'This is not a valid WebSocket handshake')
        }
        return undefined
      })
    },
    open(opening) {
      admit()
      return seated(opening, (seat) => openReader({ ...opening, ...seat }, bus.shared))
    },
    join,
    leave,
    receive: (reader, text) => receive(reader, text, log),
    websocket: {
      idleTimeout: idleTimeoutS,
      sendPings: false,
      maxPayloadLength: limits.messageBytes,
      backpressureLimit: 2 * limits.socketBytes,
      open: (socket) => join(socket.data, socket),
      message: (socket, data) => receive(socket.data, data, log),
      drain: (socket) => socket.data.wake(),
      pong(socket) {
        socket.data.silentPings = 0
      },
      close: (socket) => leave(socket.data),
    },
    liveOf: (pluginId) => publisher.of(pluginId),
    release(pluginId) {
      for (const reader of [...rooms.readers]) {
        if (!reader.topic.startsWith(`${pluginId}/`)) continue
        reader.close(closeCode.serviceRestart, 'the plugin was replaced')
      }
    },
    stats: () => ({
      sockets: rooms.readers.size,
      behind: [...rooms.readers].filter(({ state }) => state === 'behind').length,
      topics: rooms.size,
      unsentBytes: [...rooms.readers].reduce((sum, { waitingBytes }) => sum + waitingBytes, 0),
      closedSlow: rooms.closedSlow,
    }),
    async stop() {
      stopping = true
      heartbeat.cancel()
      idle.cancel()
      await drain(rooms, clock, limits.stopMs)
      for (const reader of [...rooms.readers]) reader.close(closeCode.goingAway, farewell)
    },
  }
}

const farewell = 'the server is stopping'

/** Gives readers a moment to take what was published before the end. */
const drain = async (rooms: Rooms, clock: Clock, stopMs: number): Promise<void> => {
  await Promise.all([...rooms.all()].map(({ topic }) => topic.flush()))
  const waiting = [...rooms.readers].filter(({ waitingBytes }) => waitingBytes > 0)
  if (waiting.length === 0) return
  await new Promise<void>((resolve) => {
    const timer = clock.after(stopMs, resolve)
    void Promise.all(waiting.map((reader) => reader.hasRoom(0, clock, stopMs))).then(() => {
      timer.cancel()
      resolve()
    })
  })
}
