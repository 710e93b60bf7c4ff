/** Serves `/socket.io/`: handshakes, polls, WebSockets, and the namespaces that clients enter. */
import type { Clock } from '../../kernel/clock.ts'
import { Carrier } from './carrier.ts'
import {
  engine as packet,
  messageOf,
  readPacket,
  recoverable,
  separator,
  writePacket,
} from './packets.ts'
import { defaultTimes, Session, type SessionTimes } from './session.ts'
import { NamespaceLink } from './namespace.ts'

export const socketIoPath = '/socket.io'

/** A client in a namespace: how to hand it messages, and to say that it is gone. */
export interface Member {
  /** `text` as a plain WebSocket would bring it. */
  receive(text: string): void
  wake(): void
  leave(): void
}

export interface Entrance {
  readonly namespace: string
  readonly handshake: Request
  readonly address: string
  /** What the client sent with CONNECT. */
  readonly auth: Readonly<Record<string, unknown>>
  /** What the hub writes to. */
  readonly link: NamespaceLink
  /** Tells the client that it is in; the hub may write afterwards. False: it is gone already. */
  accept(member: Member): boolean
}

export interface Refusal {
  readonly message: string
  readonly data?: object
}

export interface EngineOptions {
  readonly clock: Clock
  /** Decides about a namespace: null when it was accepted. Never rejects. */
  readonly enter: (entrance: Entrance) => Promise<Refusal | null>
  readonly times?: Partial<SessionTimes>
  readonly maxBytes?: number
  readonly maxSessions?: number
  readonly maxPerAddress?: number
}

export interface SocketIo {
  /** Answers undefined when the request became a WebSocket. */
  handle(request: Request, address: string, upgrade: Upgrade): Promise<Response | undefined>
  readonly sessions: number
  /** Whether the request goes on with a session. */
  knows(request: Request): boolean
  /** Lets go of clients that are in no namespace; the hub closes the others. */
  stop(): void
}

export type Upgrade = (carrier: Carrier) => boolean

/** Longest body or message of a client; told to it, so that it sends several. */
const maxPayload = 64 * 1024
const maxNamespaces = 16

/** Engine.IO's own numbers for what is wrong with a request. */
const faults = {
  transport: [0, 'Transport unknown'],
  session: [1, 'Session ID unknown'],
  method: [2, 'Bad handshake method'],
  request: [3, 'Bad request'],
  forbidden: [4, 'Too many connections'],
  version: [5, 'Unsupported protocol version'],
} as const

export const createSocketIo = (options: EngineOptions): SocketIo => {
  const { clock, maxBytes = 2 * 1024 * 1024, maxSessions = 10_000, maxPerAddress = 100 } = options
  const times = { ...defaultTimes, ...options.times }
  const sessions = new Map<string, Session>()
  const members = new Map<Session, Map<string, Member>>()

  const begin = (request: Request, address: string): Session | null => {
    if (sessions.size >= maxSessions) return null
    const ofAddress = [...sessions.values()].filter((one) => one.options.address === address)
    if (ofAddress.length >= maxPerAddress) return null
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url')
    const handshake = new Request(request.url, { headers: request.headers })
    const session = new Session({ id, address, handshake, clock, times, maxBytes })
    const entered = new Map<string, Member>()
    sessions.set(id, session)
    members.set(session, entered)
    const deadline = clock.after(times.connectMs, () => {
      if (entered.size === 0) session.close()
    })
    session.onPacket = (text) => take(session, entered, text)
    session.onRoom = () => {
      for (const member of entered.values()) member.wake()
    }
    session.onClose = () => {
      deadline.cancel()
      sessions.delete(id)
      members.delete(session)
      for (const member of entered.values()) member.leave()
      entered.clear()
    }
    return session
  }

  const entering = new WeakMap<Session, Set<string>>()

  const take = (session: Session, entered: Map<string, Member>, text: string): void => {
    const found = readPacket(text)
    if (!found) return session.close()
    const { kind, namespace, ackId, data } = found
    const member = entered.get(namespace)
    if (kind === 'connect') return void enter(session, entered, namespace, data)
    if (kind === 'disconnect') {
      entered.delete(namespace)
      return member?.leave()
    }
    if (kind !== 'event' || !member) return
    const message = messageOf(data)
    if (message !== null) member.receive(message)
    if (ackId !== null) session.send(writePacket('ack', namespace, '[]', String(ackId)))
  }

  const enter = async (
    session: Session,
    entered: Map<string, Member>,
    namespace: string,
    data: unknown,
  ): Promise<void> => {
    const busy = entering.get(session) ?? new Set<string>()
    entering.set(session, busy)
    if (entered.has(namespace) || busy.has(namespace)) return
    if (entered.size + busy.size >= maxNamespaces) return session.close()
    busy.add(namespace)
    const { handshake, address } = session.options
    const auth = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
    const refusal = await options.enter({
      namespace,
      handshake,
      address,
      auth,
      link: new NamespaceLink(session, namespace),
      accept(member) {
        if (session.isClosed) return false
        entered.set(namespace, member)
        const sid = `${session.options.id}.${entered.size}`
        return session.send(
          writePacket('connect', namespace, JSON.stringify({ sid, pid: recoverable })),
        )
      },
    })
    busy.delete(namespace)
    if (refusal) session.send(writePacket('refuse', namespace, JSON.stringify(refusal)))
  }

  return {
    get sessions() {
      return sessions.size
    },
    knows: (request) => sessions.has(new URL(request.url).searchParams.get('sid') ?? ''),
    async handle(request, address, upgrade) {
      const query = new URL(request.url).searchParams
      if (query.get('EIO') !== '4') return fault('version')
      const transport = query.get('transport')
      const isSocket = request.headers.get('upgrade')?.toLowerCase() === 'websocket'
      if (transport !== 'polling' && transport !== 'websocket') return fault('transport')
      if (isSocket !== (transport === 'websocket')) return fault('request')
      const sid = query.get('sid')
      const known = sid === null ? undefined : sessions.get(sid)
      if (sid !== null && known?.options.address !== address) return fault('session')
      if (isSocket) return openSocket(known ?? null, request, address, upgrade)
      if (known) return known.socket ? fault('request') : poll(known, request)
      if (request.method !== 'GET') return fault('method')
      const session = begin(request, address)
      return session ? text(greeting(session, ['websocket'])) : fault('forbidden')
    },
    stop() {
      for (const [session, entered] of members) if (entered.size === 0) session.close()
    },
  }

  function openSocket(
    known: Session | null,
    request: Request,
    address: string,
    upgrade: Upgrade,
  ): Response | undefined {
    if (known?.socket) return fault('request')
    const session = known ?? begin(request, address)
    if (!session) return fault('forbidden')
    const carrier = new Carrier(session, known ? undefined : greeting(session, []))
    if (upgrade(carrier)) return undefined
    if (!known) session.close()
    return fault('request')
  }

  function greeting({ options: { id } }: Session, upgrades: readonly string[]): string {
    const { pingMs: pingInterval, pongMs: pingTimeout } = times
    const open = { sid: id, upgrades, pingInterval, pingTimeout, maxPayload }
    return `${packet.open}${JSON.stringify(open)}`
  }
}

const poll = async (session: Session, request: Request): Promise<Response> => {
  if (request.method === 'GET') {
    const body = await session.poll(request.signal)
    if (body !== null) return text(body)
    session.close()
    return fault('request')
  }
  if (request.method !== 'POST') return fault('method')
  const body = await request.text()
  if (body.length > maxPayload) {
    session.close()
    return fault('request')
  }
  for (const one of body.split(separator)) session.receive(one)
  return new Response('ok', { headers: { 'content-type': 'text/html', ...noStore } })
}

const noStore = { 'cache-control': 'no-store' }

const text = (body: string): Response =>
  new Response(body, { headers: { 'content-type': 'text/plain; charset=UTF-8', ...noStore } })

const fault = (name: keyof typeof faults): Response => {
  const [code, message] = faults[name]
  return Response.json({ code, message }, { status: name === 'forbidden' ? 403 : 400 })
}
