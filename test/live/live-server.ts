/** A live hub behind a real socket, with a topic kept in memory: what the tests here stand on. */
import type { Clock } from '../../src/kernel/clock.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { HearthError } from '../../src/kernel/errors.ts'
import { type Logger, silentLogger } from '../../src/kernel/log.ts'
import { type Bus, memoryBus } from '../../src/live/bus.ts'
import { createHub, type Hub } from '../../src/live/hub.ts'
import type { LiveLimits } from '../../src/live/limits.ts'
import type { Channel, Live, LiveMessage } from '../../src/live/live.ts'

export interface LiveServerOptions {
  readonly bus?: Bus
  readonly clock?: Clock
  readonly log?: Logger
  readonly limits?: Partial<LiveLimits>
  /** Default: topic `run`, replayed from `stored`. */
  readonly channel?: Partial<Channel>
  /** Default: an own one. Servers may share it, as they share a database. */
  readonly stored?: LiveMessage[]
}

export class LiveServer {
  readonly hub: Hub
  readonly live: Live
  readonly stored: LiveMessage[]
  /** What `replay` was called with. */
  readonly replays: number[] = []
  readonly server: Bun.Server<unknown>
  /** Pongs that arrived. */
  pongs = 0

  constructor(options: LiveServerOptions = {}) {
    this.stored = options.stored ?? []
    this.hub = createHub({
      bus: options.bus ?? memoryBus(),
      clock: options.clock ?? systemClock,
      log: options.log ?? silentLogger,
      ...(options.limits && { limits: options.limits }),
    })
    this.live = this.hub.liveOf('test')
    const channel: Channel = {
      path: '/ws',
      open: () => ({
        topic: 'run',
        replay: (since) => this.replay(since),
        head: async () => this.stored.at(-1)?.cursor ?? 0,
      }),
      ...options.channel,
    }
    const { hub } = this
    const onPong = hub.websocket.pong
    const websocket: typeof hub.websocket = {
      ...hub.websocket,
      pong: (socket, data) => {
        onPong?.(socket, data)
        this.pongs++
      },
    }
    this.server = Bun.serve({
      port: 0,
      websocket,
      async fetch(request, socket) {
        const upgrade = { request, socket, channel, params: {}, who: null, pluginId: 'test' }
        try {
          return (await hub.upgrade(upgrade)) as unknown as Response
        } catch (error) {
          const { status, code, message } = error as HearthError
          return Response.json({ code, message }, { status: status ?? 500 })
        }
      },
    })
  }

  async *replay(since: number, pageSize = 100): AsyncGenerator<readonly LiveMessage[]> {
    this.replays.push(since)
    const beyond = this.stored.filter(({ cursor }) => cursor > since)
    for (let at = 0; at < beyond.length; at += pageSize) {
      await nextTurn()
      yield beyond.slice(at, at + pageSize)
    }
  }

  /** Stores messages with these cursors and publishes them. */
  log(...cursors: number[]): void {
    this.live.publish('run', this.store(...cursors))
  }

  store(...cursors: number[]): LiveMessage[] {
    const messages = cursors.map((cursor) => ({ cursor, data: { id: cursor } }))
    for (const message of messages) this.stored.push(message)
    return messages
  }

  async connect(query = '', protocols: string[] = []): Promise<Client> {
    const url = this.server.url.href.replace('http', 'ws')
    const client = new Client(new WebSocket(`${url}ws${query}`, protocols))
    await client.opened
    return client
  }

  async stop(): Promise<void> {
    await this.hub.stop()
    await this.server.stop(true)
  }
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits for something to become true; the test's own time limit is the only one. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}

export class Client {
  readonly received: string[] = []
  readonly opened: Promise<void>
  readonly closed: Promise<{ code: number; reason: string }>
  readonly socket: WebSocket

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.onmessage = ({ data }) => this.received.push(data as string)
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error('The WebSocket did not open'))
    })
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve({ code, reason })
    })
  }

  /** Cursors received so far, whatever the frames. */
  get cursors(): number[] {
    return this.received.flatMap((text) => {
      const value = JSON.parse(text) as { id: number } | { id: number }[]
      return Array.isArray(value) ? value.map(({ id }) => id) : [value.id]
    })
  }

  async until(count: number): Promise<void> {
    await until(() => this.received.length >= count)
  }
}

/** Numbers `first..last`. */
export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
