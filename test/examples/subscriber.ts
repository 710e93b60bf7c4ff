/** Follows a run's live channel through restarts of the server, as a dashboard would. */

export interface Point {
  readonly id: number
  readonly run_id: number
  readonly name: string
  readonly value: number | string
  readonly step: number
  readonly timestamp: string
}

export interface Subscriber extends Disposable {
  /** Every message so far, in the order of arrival; nothing is sorted or deduplicated. */
  readonly seen: readonly Point[]
  /** How often a connection was opened. */
  readonly connections: number
}

/** Comes back with the last id it saw whenever the connection ends. */
export const subscribe = (address: () => string, token: string): Subscriber => {
  const seen: Point[] = []
  let connections = 0
  let over = false
  let socket: WebSocket
  const connect = () => {
    if (over) return
    socket = new WebSocket(`${address()}?since=${seen.at(-1)?.id ?? 0}&token=${token}`)
    socket.onopen = () => {
      connections += 1
    }
    socket.onmessage = ({ data }) => {
      seen.push(JSON.parse(String(data)) as Point)
    }
    // Refused connections end here too; the server may need a moment to come back.
    socket.onclose = () => setTimeout(connect, 20)
  }
  connect()
  return {
    seen,
    get connections() {
      return connections
    },
    [Symbol.dispose]() {
      over = true
      socket.close()
    },
  }
}
