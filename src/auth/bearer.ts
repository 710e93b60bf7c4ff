/** Finds the token of a request, wherever its client was able to put it. */

/**
 * The bearer token of a request, or null. Browsers cannot set headers on a WebSocket, so there (and
 * only there, for addresses end up in logs) a query parameter or a subprotocol will do.
 */
export const bearerOf = (request: Request): string | null => {
  const header = request.headers.get('authorization')
  if (header !== null) return fromHeader(header)
  if (!isUpgrade(request)) return null
  return fromSubprotocol(request) ?? fromQuery(request)
}

export const isUpgrade = (request: Request): boolean =>
  request.headers.get('upgrade')?.toLowerCase() === 'websocket'

/** What clients of OpenAI send that insist on a key where none is wanted: nobody, then. */
const nobody = 'none'

const fromHeader = (header: string): string | null => {
  const space = header.indexOf(' ')
  if (space < 0) return null
  const scheme = header.slice(0, space).toLowerCase()
  const value = header.slice(space + 1).trim()
  if (value === '') return null
  if (scheme === 'bearer') return value === nobody ? null : value
  return scheme === 'basic' ? passwordOf(value) : null
}

/** Clients that know only user and password (MLflow's, curl's) send an API key as password. */
const passwordOf = (credentials: string): string | null => {
  let text: string
  try {
    text = new TextDecoder().decode(Uint8Array.fromBase64(credentials))
  } catch {
    return null
  }
  const colon = text.indexOf(':')
  return colon < 0 ? null : text.slice(colon + 1) || null
}

/** `Sec-WebSocket-Protocol: bearer, <token>` */
const fromSubprotocol = (request: Request): string | null => {
  const offered = request.headers.get('sec-websocket-protocol')?.split(',') ?? []
  const [scheme, token] = offered.map((name) => name.trim())
  return scheme?.toLowerCase() === 'bearer' ? token || null : null
}

const fromQuery = (request: Request): string | null => {
  const { searchParams } = new URL(request.url)
  return searchParams.get('token') || searchParams.get('access_token') || null
}
