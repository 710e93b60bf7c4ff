/** The one WebSocket handler of a server: plain channels, and those that carry Socket.IO. */
import type { ServerWebSocket, WebSocketHandler } from 'bun'
import type { Hub } from './hub.ts'
import { Reader } from './reader.ts'
import type { Carrier } from './socketio/carrier.ts'

export type SocketData = Reader | Carrier

type Plain = ServerWebSocket<Reader>

/** Sockets of Bun's do not change their data: what one is, it stays. */
const isPlain = (socket: ServerWebSocket<SocketData>): socket is Plain =>
  socket.data instanceof Reader

export const socketHandler = (hub: Hub): WebSocketHandler<SocketData> => {
  const plain = hub.websocket
  return {
    ...(plain as WebSocketHandler<SocketData>),
    open(socket) {
      if (isPlain(socket)) return plain.open?.(socket)
      return (socket.data as Carrier).open(socket as ServerWebSocket<unknown>)
    },
    message(socket, data) {
      if (isPlain(socket)) return plain.message?.(socket, data as string)
      return (socket.data as Carrier).message(data as string)
    },
    drain(socket) {
      if (isPlain(socket)) return plain.drain?.(socket)
      return (socket.data as Carrier).drain()
    },
    pong(socket, data) {
      if (isPlain(socket)) return plain.pong?.(socket, data)
    },
    close(socket, code, reason) {
      if (isPlain(socket)) return plain.close?.(socket, code, reason)
      return (socket.data as Carrier).close()
    },
  }
}
