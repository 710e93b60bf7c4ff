/** One Engine.IO client: packets in order, over long polling until a WebSocket takes over. */
import type { ServerWebSocket } from 'bun'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { engine, separator } from './packets.ts'
import type { Carrier } from './carrier.ts'

export interface SessionTimes {
  readonly pingMs: number
  readonly pongMs: number
  /** A client that has entered no namespace by then is let go. */
  readonly connectMs: number
}

export const defaultTimes: SessionTimes = { pingMs: 25_000, pongMs: 20_000, connectMs: 20_000 }

export interface SessionOptions {
  readonly id: string
  readonly address: string
  /** The request that began it: login and query count for every namespace. */
  readonly handshake: Request
  readonly clock: Clock
  readonly times: SessionTimes
  /** Bytes that may wait for one client. */
  readonly maxBytes: number
}

export class Session {
  readonly options: SessionOptions
  /** Called with each Socket.IO packet. */
  onPacket: (text: string) => void = () => {}
  onRoom: () => void = () => {}
  onClose: () => void = () => {}
  isClosed = false
  isUpgrading = false
  #carrier: Carrier | undefined
  #waiting: string[] = []
  #waitingBytes = 0
  #poll: ((body: string) => void) | undefined
  #timer: Timer | undefined

  constructor(options: SessionOptions) {
    this.options = options
    this.#planPing()
  }

  get socket(): ServerWebSocket<unknown> | undefined {
    return this.#carrier?.socket
  }

  get waitingBytes(): number {
    return this.socket ? this.socket.getBufferedAmount() : this.#waitingBytes
  }

  /** False when the client has too much waiting: the packet is dropped. */
  send(packet: string): boolean {
    if (this.isClosed) return false
    const { socket } = this
    if (socket) return socket.sendText(packet) !== 0
    if (this.#waitingBytes > this.options.maxBytes) return false
    this.#waiting.push(packet)
    this.#waitingBytes += packet.length
    // Packets that are sent in one go share an answer.
    if (this.#poll) queueMicrotask(() => this.#answer())
    return true
  }

  /** Answers one long poll; null: another one waits already, which no client does. */
  async poll(signal: AbortSignal): Promise<string | null> {
    if (this.#poll || this.#carrier) return null
    const body = new Promise<string>((resolve) => {
      this.#poll = resolve
    })
    const hangUp = () => this.close()
    signal.addEventListener('abort', hangUp, { once: true })
    if (this.#waiting.length > 0 || this.isUpgrading) this.#answer()
    const text = await body
    signal.removeEventListener('abort', hangUp)
    return text
  }

  #answer(): void {
    const poll = this.#poll
    if (!poll || (this.#waiting.length === 0 && !this.isUpgrading)) return
    this.#poll = undefined
    const body = this.#waiting.length > 0 ? this.#waiting.join(separator) : engine.noop
    this.#waiting = []
    this.#waitingBytes = 0
    poll(body)
    this.onRoom()
  }

  /** A WebSocket knocks: the client's poll is let go, so that it can change over. */
  beginUpgrade(): void {
    this.isUpgrading = true
    this.#answer()
  }

  /** From now on everything goes through this WebSocket. */
  adopt(carrier: Carrier): void {
    this.#answer()
    this.isUpgrading = false
    this.#carrier = carrier
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const packet of waiting) carrier.socket?.sendText(packet)
    this.onRoom()
  }

  /** One packet of the client. */
  receive(packet: string): void {
    if (this.isClosed) return
    const kind = packet[0]
    if (kind === engine.pong) this.#planPing()
    else if (kind === engine.message) this.onPacket(packet.slice(1))
    else this.close()
  }

  close(code = 1000, reason = ''): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#timer?.cancel()
    this.socket?.close(code, reason)
    if (this.#poll) {
      this.#waiting.push(engine.close)
      this.#answer()
    }
    this.#waiting = []
    this.onClose()
  }

  #planPing(): void {
    const { clock, times } = this.options
    this.#timer?.cancel()
    this.#timer = clock.after(times.pingMs, () => {
      this.#timer = clock.after(times.pongMs, () => this.close())
      this.send(engine.ping)
    })
  }
}
