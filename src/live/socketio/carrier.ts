/** A WebSocket of Engine.IO: a session's own from the start, or one that asks to take over. */
import type { ServerWebSocket } from 'bun'
import { engine } from './packets.ts'
import type { Session } from './session.ts'

const probe = 'probe'

export class Carrier {
  socket: ServerWebSocket<unknown> | undefined
  readonly #session: Session
  readonly #greeting: string | undefined
  #isAdopted = false

  /** `greeting`: the session begins here; absent: it has been polling until now. */
  constructor(session: Session, greeting?: string) {
    this.#session = session
    this.#greeting = greeting
  }

  open(socket: ServerWebSocket<unknown>): void {
    this.socket = socket
    if (this.#session.isClosed) return socket.close()
    if (this.#greeting === undefined) return
    socket.sendText(this.#greeting)
    this.#adopt()
  }

  message(data: string | Buffer): void {
    if (typeof data !== 'string') return this.#session.close(1003, 'text only')
    if (this.#isAdopted) return this.#session.receive(data)
    if (data === `${engine.ping}${probe}`) {
      this.socket?.sendText(`${engine.pong}${probe}`)
      this.#session.beginUpgrade()
    } else if (data === engine.upgrade && this.#session.isUpgrading) {
      this.#adopt()
    } else {
      this.socket?.close(1002, 'unexpected packet')
    }
  }

  drain(): void {
    if (this.#isAdopted) this.#session.onRoom()
  }

  close(): void {
    this.socket = undefined
    if (this.#isAdopted) this.#session.close()
    else this.#session.isUpgrading = false
  }

  #adopt(): void {
    this.#isAdopted = true
    this.#session.adopt(this)
  }
}
