/** A keep-alive HTTP/1.1 client on a raw socket: cheap enough not to be what is measured. */
import type { Socket } from 'bun'

export interface Reply {
  readonly status: number
  readonly body: Buffer
}

interface Waiting {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** One connection, one request at a time. */
export class Connection {
  #socket: Socket | undefined
  #received: Buffer = Buffer.alloc(0)
  #unsent: Uint8Array | undefined
  #waiting: Waiting | undefined
  #closed = false

  /** Whether the server has closed it; ask before each request. */
  get closed(): boolean {
    return this.#closed
  }

  static async open(origin: string): Promise<Connection> {
    const { hostname, port } = new URL(origin)
    const connection = new Connection()
    connection.#socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_, chunk) => connection.#take(chunk),
        drain: () => connection.#flush(),
        close: () => connection.#fail(new Error('The server closed the connection')),
        error: (_, error) => connection.#fail(error),
      },
    })
    return connection
  }

  send(request: Uint8Array): Promise<Reply> {
    this.#unsent = request
    const reply = new Promise<Reply>((resolve, reject) => (this.#waiting = { resolve, reject }))
    this.#flush()
    return reply
  }

  close(): void {
    this.#waiting = undefined
    this.#socket?.end()
  }

  #flush(): void {
    if (!this.#unsent || !this.#socket) return
    const written = this.#socket.write(this.#unsent)
    this.#unsent = written < this.#unsent.length ? this.#unsent.subarray(written) : undefined
  }

  #take(chunk: Buffer): void {
    this.#received =
      this.#received.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#received, chunk])
    const reply = parse(this.#received)
    if (!reply) return
    this.#received = Buffer.alloc(0)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(reply)
  }

  #fail(error: Error): void {
    this.#closed = true
    const { length } = this.#received
    const headEnd = this.#received.indexOf('\r\n\r\n')
    // A reply without a length ends with the connection.
    if (headEnd >= 0) this.#waiting?.resolve(replyOf(this.#received, headEnd))
    else this.#waiting?.reject(new Error(`${error.message} after ${length} bytes of a reply`))
    this.#waiting = undefined
  }
}

/** The reply, once all of it is there. */
const parse = (bytes: Buffer): Reply | undefined => {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', 0, headEnd).toLowerCase()
  const reply = replyOf(bytes, headEnd)
  const { body } = reply
  const declared = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (declared !== undefined) return body.length >= Number(declared) ? reply : undefined
  if (head.includes('\r\ntransfer-encoding: chunked'))
    return body.subarray(-5).equals(lastChunk) ? reply : undefined
  return reply.status === 204 || reply.status === 304 ? reply : undefined
}

const replyOf = (bytes: Buffer, headEnd: number): Reply => ({
  status: Number(bytes.toString('latin1', 9, 12)),
  body: bytes.subarray(headEnd + 4),
})

const lastChunk = Buffer.from('0\r\n\r\n')

export interface RequestParts {
  readonly method: string
  readonly path: string
  readonly token?: string
  readonly body?: string
}

/** The bytes of a request, ready to be sent many times. */
export const encodeRequest = (origin: string, parts: RequestParts): Uint8Array => {
  const body = Buffer.from(parts.body ?? '')
  const head = [
    `${parts.method} ${parts.path} HTTP/1.1`,
    `host: ${new URL(origin).host}`,
    ...(parts.token ? [`authorization: Bearer ${parts.token}`] : []),
    ...(parts.body === undefined ? [] : ['content-type: application/json']),
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}
