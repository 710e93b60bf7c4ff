/** The live hub: WebSockets on one side, topics with cursors on the other. */
import type { Server, WebSocketHandler } from 'bun'
import type { Who } from '../auth/who.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Bus } from './bus.ts'
import { watchHeartbeat } from './heartbeat.ts'
import { receive } from './inbox.ts'
import { defaultLimits, type LiveLimits } from './limits.ts'
import type { Channel, Live } from './live.ts'
import { Publisher } from './publisher.ts'
import { closeCode, type Reader } from './reader.ts'
import { Rooms } from './rooms.ts'
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
  let stopping = false

  return {
    async upgrade(upgrade) {
      if (stopping) throw new HearthError('shutting_down')
      if (rooms.readers.size >= limits.sockets) {
        throw new HearthError('unavailable', 'Too many WebSockets are open')
      }
      const { data, headers } = await readUpgrade(upgrade, bus.shared)
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
        if (stopping) reader.close(closeCode.goingAway, farewell)
        else rooms.enter(reader)
      },
      message: (socket, data) => receive(socket.data, data, log),
      drain: (socket) => socket.data.wake(),
      pong(socket) {
        socket.data.silentPings = 0
      },
      close: (socket) => rooms.leave(socket.data),
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
