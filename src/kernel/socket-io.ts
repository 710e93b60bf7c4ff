/** Lets Socket.IO clients into the channels that say so, by the same door as WebSockets. */
import type { Hub } from '../live/hub.ts'
import {
  createSocketIo,
  type Entrance,
  type Refusal,
  type SocketIo,
} from '../live/socketio/engine.ts'
import { admit, type AdmitOptions } from './admit.ts'
import type { Assembly } from './boot.ts'
import type { Clock } from './clock.ts'
import { detailDialect } from './dialect.ts'
import { HearthError } from './errors.ts'
import type { Logger } from './log.ts'
import { failureOf } from './problem.ts'

export interface SocketIoOptions extends AdmitOptions {
  readonly assembly: () => Assembly
  readonly hub: Hub
  readonly clock: Clock
  readonly log: Logger
  readonly rateLimited: boolean
}

export const openSocketIo = (options: SocketIoOptions): SocketIo => {
  const { hub, log, clock } = options

  /** @throws whatever refuses the client */
  const letIn = async (entrance: Entrance): Promise<void> => {
    const { namespace, link, address } = entrance
    const found = options.assembly().channels.find(namespace)
    if (!found?.channel.socketIo) throw new HearthError('not_found', 'Invalid namespace')
    const slot = options.assembly().slots.get(found.owner)
    if (slot?.state !== 'running') throw new HearthError('plugin_failed')
    const { channel, params } = found
    const query = queryOf(entrance)
    const isPublic = channel.isPublic === true
    const wanted = { plugin: slot.plugin, isPublic, rateClass: 'api' } as const
    const who = await admit(withToken(entrance, query), address, wanted, options, {})
    const visit = { channel, params, who, pluginId: slot.plugin.id, query }
    const reader = await hub.open({ ...visit, ...(options.rateLimited && { address }) })
    const member = {
      receive: (text: string) => hub.receive(reader, text),
      wake: () => reader.wake(),
      leave: () => hub.leave(reader),
    }
    if (entrance.accept(member)) hub.join(reader, link)
    else hub.leave(reader)
  }

  const refusalOf = (error: unknown, { namespace, handshake }: Entrance): Refusal => {
    const owner = options.assembly().channels.find(namespace)?.owner
    const slot = owner === undefined ? undefined : options.assembly().slots.get(owner)
    const dialect = slot?.plugin.dialect ?? detailDialect
    const { problem, internal } = failureOf(error, handshake, '', dialect)
    if (internal) log.error('Entering a namespace failed', { namespace, error })
    const data = dialect.error(problem) as { code?: unknown; error?: { code?: unknown } }
    const code = data.error?.code ?? data.code
    return { message: typeof code === 'string' ? code : problem.code, data }
  }

  return createSocketIo({
    clock,
    async enter(entrance) {
      try {
        await letIn(entrance)
        return null
      } catch (error) {
        return refusalOf(error, entrance)
      }
    },
  })
}

/** What the client said when it connected; `since` may come with each namespace. */
const queryOf = ({ handshake, auth }: Entrance): URLSearchParams => {
  const query = new URL(handshake.url).searchParams
  query.delete('format')
  // Where it was when the connection broke comes before where it wanted to begin.
  const since = auth['offset'] ?? auth['since']
  if (typeof since === 'number' || typeof since === 'string') query.set('since', String(since))
  return query
}

/** The token may be in `auth`, in a header, or in the query, for browsers set no headers. */
const withToken = ({ handshake, auth, namespace }: Entrance, query: URLSearchParams): Request => {
  const given = typeof auth['token'] === 'string' && auth['token'] !== '' ? auth['token'] : null
  const header = handshake.headers.get('authorization')
  const token = given ?? (header === null ? (query.get('token') ?? null) : null)
  const authorization = token === null ? header : `Bearer ${token}`
  return new Request(new URL(namespace, handshake.url).href, {
    headers: authorization === null ? {} : { authorization },
  })
}
