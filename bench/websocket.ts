/** A WebSocket reader on a raw socket: a thousand of them fit into one process beside a server. */
import type { Socket } from 'bun'
import { randomBytes } from 'node:crypto'

export interface ReaderEvents {
  /** One whole text message. */
  message(payload: Buffer): void
  closed(): void
}

const opcodes = { text: 1, close: 8, ping: 9 }

export class Reader {
  #socket: Socket | undefined
  #received: Buffer = Buffer.alloc(0)
  #upgraded = false

  /** Resolves when the server has answered the upgrade. */
  static open(origin: string, path: string, events: ReaderEvents): Promise<Reader> {
    const reader = new Reader()
    const { hostname, port, host } = new URL(origin)
    return new Promise((resolve, reject) => {
      const upgrade = [
        `GET ${path} HTTP/1.1`,
        `host: ${host}`,
        'connection: upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
      ]
      const opened = (error?: Error) => (error ? reject(error) : resolve(reader))
      Bun.connect({
        hostname,
        port: Number(port),
        socket: {
          open(socket) {
            reader.#socket = socket
            socket.write(`${upgrade.join('\r\n')}\r\n\r\n`)
          },
          data: (_, chunk) => reader.#take(chunk, events, opened),
          close: () => events.closed(),
        },
      }).catch(reject)
    })
  }

  /** Stops reading, as a browser tab that went to sleep: the server's bytes pile up. */
  stall(): void {
    this.#socket?.pause()
  }

  close(): void {
    this.#socket?.end()
  }

  #take(chunk: Buffer, events: ReaderEvents, opened: (error?: Error) => void): void {
    let bytes =
      this.#received.length === 0 ? chunk : (Buffer.concat([this.#received, chunk]) as Buffer)
    if (!this.#upgraded) {
      const headEnd = bytes.indexOf('\r\n\r\n')
      if (headEnd >= 0) {
        this.#upgraded = bytes.toString('latin1', 9, 12) === '101'
        opened(this.#upgraded ? undefined : new Error(bytes.toString('latin1', 0, 400)))
        bytes = bytes.subarray(headEnd + 4)
      }
    }
    let offset = 0
    for (let frame = next(bytes, 0); this.#upgraded && frame; frame = next(bytes, offset)) {
      offset = frame.end
      const payload = bytes.subarray(frame.start, frame.end)
      if (frame.opcode === opcodes.text) events.message(payload)
      if (frame.opcode === opcodes.ping) this.#socket?.write(pong(payload))
      if (frame.opcode === opcodes.close) this.#socket?.end()
    }
    // The chunk belongs to the socket only for the length of this call: keep a copy of the rest.
    this.#received = Buffer.from(bytes.subarray(offset))
  }
}

/** Where the next frame's payload lies, once all of it is there. Servers send no masks. */
const next = (bytes: Buffer, at: number) => {
  if (bytes.length < at + 2) return undefined
  const opcode = bytes.readUInt8(at) & 15
  const short = bytes.readUInt8(at + 1) & 127
  const header = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < at + header) return undefined
  const length =
    short === 126
      ? bytes.readUInt16BE(at + 2)
      : short === 127
        ? Number(bytes.readBigUInt64BE(at + 2))
        : short
  const start = at + header
  return bytes.length < start + length ? undefined : { opcode, start, end: start + length }
}

/** A client's frames are masked; a mask of zeros leaves the payload as it is. */
const pong = (payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload])
