/** The network between an agent and its server, which can be cut, slowed, or lose replies. */
import type { Socket } from 'bun'

export interface Link {
  readonly origin: string
  /** Replies that were thrown away after the server had done what was asked. */
  readonly lostReplies: number
  /** Ends every connection, and refuses new ones until `mend`. */
  cut(): void
  mend(): void
  /** Bytes wait so long in either direction; 0 for no wait. */
  slow(delayMs: number): void
  stop(): void
}

/** One side of a connection: what could not be written yet waits here, in order. */
class End {
  #socket: Socket<End> | undefined
  #waiting: Buffer[] = []
  #closing = false
  peer: End | undefined
  onData: (bytes: Buffer) => void = () => undefined

  open(socket: Socket<End>): void {
    this.#socket = socket
    this.flush()
  }

  send(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.flush()
  }

  flush(): void {
    while (this.#socket && this.#waiting[0]) {
      const bytes = this.#waiting[0]
      const written = Math.max(0, this.#socket.write(bytes))
      if (written === bytes.length) this.#waiting.shift()
      else return void (this.#waiting[0] = bytes.subarray(written))
    }
    if (this.#closing) this.#socket?.end()
  }

  close(): void {
    this.#closing = true
    this.flush()
  }

  terminate(): void {
    this.#closing = true
    this.#waiting = []
    this.#socket?.terminate()
  }
}

/** Each piece of a reply is lost, with its connection, when `losesReply` says so. */
export const startLink = (
  target: string,
  losesReply: () => boolean,
  address = '127.0.0.1',
): Link => {
  const { hostname, port } = new URL(target)
  const open = new Set<End>()
  const state = { isCut: false, delayMs: 0, lostReplies: 0 }
  const socket = {
    data: ({ data: end }: Socket<End>, bytes: Buffer) => end.onData(Buffer.from(bytes)),
    drain: ({ data: end }: Socket<End>) => end.flush(),
    close: ({ data: end }: Socket<End>) => {
      open.delete(end)
      later(() => end.peer?.close())
    },
    error: ({ data: end }: Socket<End>) => end.peer?.terminate(),
  }
  // Timers of equal length fire in order, but one that was shortened overtakes: hence the chain.
  let last = Promise.resolve()
  const later = (act: () => void): void => {
    const { delayMs } = state
    if (delayMs === 0 && !slowed) return act()
    const due = delayMs === 0 ? Promise.resolve() : Bun.sleep(delayMs)
    last = Promise.all([last, due]).then(act)
  }
  let slowed = false
  const listener = Bun.listen<End>({
    hostname: address,
    port: 0,
    socket: {
      ...socket,
      open(client) {
        const near = new End()
        client.data = near
        if (state.isCut) return void client.terminate()
        near.open(client)
        const far = new End()
        near.peer = far
        far.peer = near
        open.add(near).add(far)
        near.onData = (bytes) => later(() => far.send(bytes))
        far.onData = (bytes) => {
          if (!losesReply()) return later(() => near.send(bytes))
          state.lostReplies++
          near.terminate()
          far.terminate()
        }
        const connecting = Bun.connect<End>({
          hostname,
          port: Number(port),
          data: far,
          socket: { ...socket, open: (upstream) => far.open(upstream) },
        })
        connecting.catch(() => near.terminate())
      },
    },
  })
  return {
    origin: `http://${address}:${listener.port}`,
    get lostReplies() {
      return state.lostReplies
    },
    cut() {
      state.isCut = true
      for (const end of open) end.terminate()
    },
    mend: () => void (state.isCut = false),
    slow(delayMs) {
      slowed ||= delayMs > 0
      state.delayMs = delayMs
    },
    stop: () => listener.stop(true),
  }
}
