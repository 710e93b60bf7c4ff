/** Reads what a client asks for when it opens a live channel. */
import { HearthError } from '../kernel/errors.ts'
import { defaultFormat, encoders } from './frames.ts'
import type { Opening, Upgrade } from './hub.ts'
import type { Channel } from './live.ts'
import { closingOf, Reader } from './reader.ts'

/** Browsers cannot set headers, so they offer the token as a second subprotocol. */
const tokenProtocol = 'bearer'

/**
 * Where other servers write too, a reader without a cursor gets one here, before it is told that
 * it is connected: what is published from then on reaches it, whatever the bus does.
 * @throws HearthError when the query makes no sense, or the channel refuses
 */
export const readUpgrade = async (
  upgrade: Upgrade & Pick<Opening, 'release'>,
  shared: boolean,
): Promise<{ data: Reader; headers: Record<string, string> }> => {
  const { request, channel } = upgrade
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    throw new HearthError('upgrade_required', undefined, { headers: { upgrade: 'websocket' } })
  }
  const offered = request.headers.get('sec-websocket-protocol')?.split(',') ?? []
  const takesToken = offered.some((protocol) => protocol.trim() === tokenProtocol)
  const opening = { ...upgrade, query: new URL(request.url).searchParams }
  return {
    data: await openReader(channel.closesRefused ? refusedInside(opening) : opening, shared),
    headers: takesToken ? { 'Sec-WebSocket-Protocol': tokenProtocol } : {},
  }
}

const refusedInside = (opening: Opening): Opening => {
  const { channel } = opening
  const open: Channel['open'] = async (request) => {
    try {
      return await channel.open(request)
    } catch (error) {
      if (!(error instanceof HearthError)) throw error
      return { topic: '', closing: closingOf(error) }
    }
  }
  return { ...opening, channel: { ...channel, open } }
}

/** @throws HearthError when the query makes no sense, or the channel refuses */
export const openReader = async (opening: Opening, shared: boolean): Promise<Reader> => {
  const { query, channel, params, who, pluginId, release } = opening
  const since = readSince(query)
  const encode = encoders.get(query.get('format') ?? defaultFormat)
  if (!encode) {
    const formats = [...encoders.keys()].join(' or ')
    throw new HearthError('validation', `format must be ${formats}`, {
      issues: [{ path: 'query.format', message: `Expected ${formats}` }],
    })
  }
  const subscription = await channel.open({ params, query, who })
  const topic = `${pluginId}/${subscription.topic}`
  const from = since ?? (shared ? await subscription.head?.() : undefined)
  return new Reader({ subscription, encode, topic, since: from, ...(release && { release }) })
}

const readSince = (query: URLSearchParams): number | undefined => {
  const text = query.get('since')
  if (text === null) return undefined
  const since = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(since)) return since
  const message = 'since must be the cursor of a message: a whole number, not negative'
  throw new HearthError('validation', message, { issues: [{ path: 'query.since', message }] })
}
