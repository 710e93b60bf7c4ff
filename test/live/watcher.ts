/** A Socket.IO client that keeps what it hears. */
import { io, type Socket } from 'socket.io-client'
import { until } from './live-server.ts'

export class Watcher {
  readonly socket: Socket
  readonly events: [string, unknown][] = []
  error: (Error & { data?: unknown }) | undefined
  constructor(url: string, options: Parameters<typeof io>[1] = {}) {
    this.socket = io(url, { forceNew: true, reconnection: false, ...options })
    this.socket.onAny((name: string, payload: unknown) => this.events.push([name, payload]))
    this.socket.on('connect_error', (error) => {
      this.error = error
    })
  }
  async connected(): Promise<this> {
    await until(() => this.socket.connected || this.error !== undefined)
    if (this.error) throw this.error
    return this
  }
  get transport(): string | undefined {
    return this.socket.io.engine?.transport.name
  }
  [Symbol.dispose](): void {
    this.socket.disconnect()
  }
}
