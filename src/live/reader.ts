/** One subscriber's socket: what it has been sent, and whether it keeps up. */
import type { ServerWebSocket } from 'bun'
import type { Clock } from '../kernel/clock.ts'
import type { Encoder, Frame } from './frames.ts'
import type { Subscription } from './live.ts'

/** Close codes of the WebSocket standard that the hub uses. */
export const closeCode = {
  goingAway: 1001,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
} as const

export type LiveSocket = ServerWebSocket<Reader>

export interface ReaderOptions {
  readonly subscription: Subscription
  readonly encode: Encoder
  /** Where to begin; undefined: only what comes from now on. */
  readonly since: number | undefined
  /** Key of the topic: the plugin's id and the topic's name. */
  readonly topic: string
}

/** Looking at the buffer costs more than a send; this often is often enough. */
const sendsPerLook = 64

export class Reader {
  readonly subscription: Subscription
  readonly encode: Encoder
  readonly topic: string
  readonly since: number | undefined
  /** Everything up to here was handed to the socket. */
  cursor: number
  /** `behind`: being brought up to date from storage; live messages wait for it there. */
  state: 'behind' | 'live' = 'live'
  /** Its cursor is known to lie within what this hub has seen of the topic since it came. */
  joined: boolean
  /** Pings since the last sign of life. */
  silentPings = 0
  /** Messages of the client, one after another. */
  inbox: Promise<void> = Promise.resolve()
  inboxSize = 0
  #socket: LiveSocket | undefined
  #wake: (() => void) | undefined

  constructor(options: ReaderOptions) {
    this.subscription = options.subscription
    this.encode = options.encode
    this.topic = options.topic
    this.since = options.since
    this.cursor = options.since ?? Number.NEGATIVE_INFINITY
    this.joined = options.since === undefined
  }

  get socket(): LiveSocket | undefined {
    return this.#socket
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  attach(socket: LiveSocket): void {
    this.#socket = socket
  }

  /** Sends frames until `maxBytes` are waiting; true when all of them went. */
  send(frames: readonly Frame[], maxBytes: number): boolean {
    const socket = this.#socket
    if (!socket) return false
    return socket.cork(() => {
      let untilLook = sendsPerLook
      for (const frame of frames) {
        if (socket.sendText(frame.text) === 0) return false
        this.cursor = frame.cursor
        if (--untilLook > 0) continue
        untilLook = sendsPerLook
        if (socket.getBufferedAmount() > maxBytes) return frame === frames.at(-1)
      }
      return true
    })
  }

  /** Sends something outside the order of the topic. */
  reply(text: string): void {
    this.#socket?.sendText(text)
  }

  get waitingBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0
  }

  /** Waits until at most `maxBytes` are unsent; false once nothing moves for `stallMs`. */
  async hasRoom(maxBytes: number, clock: Clock, stallMs: number): Promise<boolean> {
    while (this.open) {
      const before = this.waitingBytes
      if (before <= maxBytes) return true
      await new Promise<void>((resolve) => {
        const timer = clock.after(stallMs, resolve)
        this.#wake = () => {
          timer.cancel()
          resolve()
        }
      })
      this.#wake = undefined
      if (this.waitingBytes >= before) return false
    }
    return false
  }

  /** The socket has room again, or is gone. */
  wake(): void {
    this.silentPings = 0
    this.#wake?.()
  }

  close(code: number, reason: string): void {
    this.#socket?.close(code, reason)
  }
}
