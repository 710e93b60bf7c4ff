/** A door to Redis that a test can shut: connections break, and come back when it opens. */
import type { Socket, TCPSocketListener } from 'bun'

interface Pair {
  other: Socket<Pair> | undefined
  /** What came before the other side was there. */
  early: Buffer[]
}

export const redisUrl = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379'

export class RedisProxy {
  readonly url: string
  readonly #port: number
  readonly #sockets = new Set<Socket<Pair>>()
  #listener: TCPSocketListener<Pair> | undefined

  constructor() {
    this.#listener = this.#listen(0)
    this.#port = this.#listener.port
    const url = new URL(redisUrl)
    url.hostname = '127.0.0.1'
    url.port = String(this.#port)
    this.url = url.href
  }

  shut(): void {
    this.#listener?.stop(true)
    this.#listener = undefined
    for (const socket of this.#sockets) socket.terminate()
    this.#sockets.clear()
  }

  open(): void {
    this.#listener ??= this.#listen(this.#port)
  }

  #listen(port: number): TCPSocketListener<Pair> {
    const { hostname, port: redisPort } = new URL(redisUrl)
    const close = (socket: Socket<Pair>) => {
      this.#sockets.delete(socket)
      socket.data.other?.end()
    }
    const pass = (socket: Socket<Pair>, chunk: Buffer) => {
      const { other, early } = socket.data
      if (other) other.write(chunk)
      else early.push(Buffer.from(chunk))
    }
    return Bun.listen<Pair>({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: async (client) => {
          client.data = { other: undefined, early: [] }
          this.#sockets.add(client)
          const redis = await Bun.connect<Pair>({
            hostname,
            port: Number(redisPort || 6379),
            data: { other: client, early: [] },
            socket: { data: pass, close },
          })
          this.#sockets.add(redis)
          client.data.other = redis
          for (const chunk of client.data.early) redis.write(chunk)
        },
        data: pass,
        close,
      },
    })
  }
}
