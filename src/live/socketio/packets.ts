/** The words of Engine.IO 4 and Socket.IO 5 on the wire, as far as text goes. Pure. */

/** First character of an Engine.IO packet. */
export const engine = {
  open: '0',
  close: '1',
  ping: '2',
  pong: '3',
  message: '4',
  upgrade: '5',
  noop: '6',
} as const

/** Between packets of one polling body. */
export const separator = '\x1e'

/** First character of a Socket.IO packet, inside a message of Engine.IO. */
const kinds = ['connect', 'disconnect', 'event', 'ack', 'refuse'] as const
export type Kind = (typeof kinds)[number]

export interface Packet {
  readonly kind: Kind
  readonly namespace: string
  /** The client asks for an answer under this number. */
  readonly ackId: number | null
  /** Parsed JSON; undefined: none was sent. */
  readonly data: unknown
}

export const writePacket = (kind: Kind, namespace: string, json = '', ackId = ''): string => {
  const place = namespace === '/' ? '' : `${namespace},`
  return `${engine.message}${kinds.indexOf(kind)}${place}${ackId}${json}`
}

/** `text` without the character of Engine.IO; null for what makes no sense, or is binary. */
export const readPacket = (text: string): Packet | null => {
  const kind = kinds[Number(text[0] ?? 'x')]
  if (!kind) return null
  let at = 1
  let namespace = '/'
  if (text[1] === '/') {
    const comma = text.indexOf(',')
    const end = comma < 0 ? text.length : comma
    // Old clients put the query of the address here.
    namespace = text.slice(1, end).replace(/\?.*$/, '')
    at = end + 1
  }
  const digits = /^\d*/.exec(text.slice(at, at + 12))?.[0] ?? ''
  const json = text.slice(at + digits.length)
  try {
    const data: unknown = json === '' ? undefined : JSON.parse(json)
    return { kind, namespace, ackId: digits === '' ? null : Number(digits), data }
  } catch {
    return null
  }
}

/**
 * Told to every client as the id of its private session: it then keeps the text that ends an
 * event's arguments, and says it when it comes back (connection state recovery of Socket.IO 4.6).
 * One for all, since what was missed is read from storage, whoever asks.
 */
export const recoverable = 'hearth'

/** What a channel sends, as the arguments of an event: its type, the whole of it, its cursor. */
export const eventOf = (text: string, cursor?: number): string => {
  const known = /^\{"type":("\w+")[,}]/.exec(text)?.[1]
  const offset = cursor === undefined ? '' : `,"${cursor}"`
  return `[${known ?? JSON.stringify(typeOf(text))},${known ? text : jsonOf(text)}${offset}]`
}

const typeOf = (text: string): string => {
  try {
    const { type } = JSON.parse(text) as { type?: unknown }
    return typeof type === 'string' ? type : 'message'
  } catch {
    return 'message'
  }
}

const jsonOf = (text: string): string => {
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}

/** The text that a plain WebSocket would have brought for this event; null: not one of ours. */
export const messageOf = (data: unknown): string | null => {
  if (!Array.isArray(data) || typeof data[0] !== 'string') return null
  const [name, payload] = data as [string, unknown]
  if (typeof payload === 'string') return payload
  const isObject = typeof payload === 'object' && payload !== null && !Array.isArray(payload)
  if (isObject && 'type' in payload) return JSON.stringify(payload)
  return JSON.stringify({ type: name, ...(isObject && { data: payload }) })
}
