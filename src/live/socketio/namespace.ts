/** A channel as a Socket.IO namespace: what the hub writes to as if it were a WebSocket. */
import type { Link } from '../reader.ts'
import { eventOf, writePacket } from './packets.ts'
import type { Session } from './session.ts'

export class NamespaceLink implements Link {
  readonly isPaused = false
  readonly #session: Session
  readonly #namespace: string

  constructor(session: Session, namespace: string) {
    this.#session = session
    this.#namespace = namespace
  }

  get readyState(): number {
    return this.#session.isClosed ? WebSocket.CLOSED : WebSocket.OPEN
  }

  sendText(text: string): number {
    return this.#send(eventOf(text))
  }

  sendAt(text: string, cursor: number): number {
    return this.#send(eventOf(text, cursor))
  }

  #send(event: string): number {
    const packet = writePacket('event', this.#namespace, event)
    return this.#session.send(packet) ? packet.length : 0
  }

  cork(work: () => boolean): boolean {
    const { socket } = this.#session
    return socket ? socket.cork(() => work()) : work()
  }

  getBufferedAmount(): number {
    return this.#session.waitingBytes
  }

  /** The whole connection ends: only then do clients come back by themselves. */
  close(code: number, reason: string): void {
    this.#session.close(code, reason)
  }

  terminate(): void {
    this.#session.close()
  }

  /** The session has pings of its own. */
  ping(): boolean {
    return true
  }

  pause(): void {}

  resume(): void {}
}
