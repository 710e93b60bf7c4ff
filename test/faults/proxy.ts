/** A network that fails: forwards bytes to a server, but cuts chosen connections. */
import type { Socket } from 'bun'

export interface CuttingProxy {
  readonly origin: string
  /** Connections whose reply was thrown away. */
  readonly cuts: number
  stop(): void
}

interface Pair {
  readonly cut: boolean
  upstream?: Socket<undefined>
  early: Buffer[]
}

/** `cutEvery` 3 throws away the first reply on every third connection. */
export const startCuttingProxy = (target: string, cutEvery: number): CuttingProxy => {
  const { hostname, port } = new URL(target)
  const counts = { opened: 0, cuts: 0 }
  const listener = Bun.listen<Pair>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(client) {
        client.data = { cut: ++counts.opened % cutEvery === 0, early: [] }
        const pair = client.data
        void Bun.connect<undefined>({
          hostname,
          port: Number(port),
          socket: {
            open(upstream) {
              pair.upstream = upstream
              for (const chunk of pair.early) upstream.write(chunk)
            },
            data(_, chunk) {
              if (!pair.cut) return void client.write(chunk)
              counts.cuts++
              client.terminate()
            },
            close: () => void client.end(),
          },
        }).catch(() => client.terminate())
      },
      data(client, chunk) {
        const { upstream, early } = client.data
        if (upstream) upstream.write(chunk)
        else early.push(Buffer.from(chunk))
      },
      close: (client) => void client.data.upstream?.end(),
    },
  })
  return {
    origin: `http://127.0.0.1:${listener.port}`,
    get cuts() {
      return counts.cuts
    },
    stop: () => listener.stop(true),
  }
}
