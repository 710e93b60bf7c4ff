/** One subscriber's socket: what it has been sent, and whether it keeps up. */
import type { Clock } from '../kernel/clock.ts'
import type { Encoder, Frame } from './frames.ts'
import type { Subscription } from './live.ts'

/** Close codes of the WebSocket standard that the hub uses. */
export const closeCode = {
  normal: 1000,
  goingAway: 1001,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
} as const

/** A close frame has room for 123 bytes, three of which a character cut in two becomes. */
const reasonBytes = 120

/** What HTTP would answer, as a close of the application's own: 4404 for 404. */
export const closingOf = ({ status, message }: { status: number; message: string }) => ({
  code: 4000 + status,
  reason: new TextDecoder().decode(new TextEncoder().encode(message).subarray(0, reasonBytes)),
})

/** What a reader is written to: a WebSocket of Bun's, or a namespace of Socket.IO. */
export interface Link {
  readonly readyState: number
  readonly isPaused: boolean
  /** 0: it was dropped. */
  sendText(text: string): number
  /** Absent where clients find the cursor in the message, if anywhere. */
  sendAt?(text: string, cursor: number): number
  cork(work: () => boolean): boolean
  getBufferedAmount(): number
  close(code: number, reason: string): void
  terminate(): void
  ping(): unknown
  pause(): void
  resume(): void
}

export interface ReaderOptions {
  readonly subscription: Subscription
  readonly encode: Encoder
  /** Where to begin; undefined: only what comes from now on. */
  readonly since: number | undefined
  /** Key of the topic: the plugin's id and the topic's name. */
  readonly topic: string
  /** Called once, when the reader is gone. */
  readonly release?: () => void
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
  /** How long nothing was sent, as far as `watchIdle` counts. */
  idleMs = 0
  readonly release: (() => void) | undefined
  #socket: Link | undefined
  #wake: (() => void) | undefined

  constructor(options: ReaderOptions) {
    this.subscription = options.subscription
    this.encode = options.encode
    this.topic = options.topic
    this.since = options.since
    this.release = options.release
    this.cursor = options.since ?? Number.NEGATIVE_INFINITY
    this.joined = options.since === undefined
  }

  get socket(): Link | undefined {
    return this.#socket
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  attach(socket: Link): void {
    this.#socket = socket
  }

  /** Sends frames until `maxBytes` are waiting; true when all of them went. */
  send(frames: readonly Frame[], maxBytes: number): boolean {
    const socket = this.#socket
    if (!socket) return false
    this.idleMs = 0
    return socket.cork(() => {
      let untilLook = sendsPerLook
      for (const frame of frames) {
        const sent = socket.sendAt
          ? socket.sendAt(frame.text, frame.cursor)
          : socket.sendText(frame.text)
        if (sent === 0) return false
        this.cursor = frame.cursor
        if (frame.isLast) {
          socket.close(closeCode.normal, 'the end')
          return true
        }
        if (--untilLook > 0) continue
        untilLook = sendsPerLook
        if (socket.getBufferedAmount() > maxBytes) return frame === frames.at(-1)
      }
      return true
    })
  }

  /** Sends something outside the order of the topic. */
  reply(text: string): void {
    this.idleMs = 0
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
