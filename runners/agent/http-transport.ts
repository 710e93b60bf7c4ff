/** Requests to a server over the network: through a proxy if there is one, TLS always verified. */
import { readFileSync } from 'node:fs'
import type { Transport } from './wire.ts'

export interface HttpTransportOptions {
  /** `https://host[:port][/prefix]`. */
  readonly server: string
  /** File of a private authority's certificates, trusted instead of the public ones. */
  readonly caFile?: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export const httpTransport = (options: HttpTransportOptions): Transport => {
  const base = new URL(options.server)
  const root = `${base.origin}${base.pathname.replace(/\/+$/, '')}`
  const proxy = proxyFor(base, options.env)
  const ca = options.caFile === undefined ? null : readFileSync(options.caFile, 'utf8')
  return (path, init) =>
    fetch(`${root}${path}`, {
      ...init,
      redirect: 'error',
      ...(proxy !== null && { proxy }),
      // Said outright, so that no variable meant for other programs switches it off.
      tls: { rejectUnauthorized: true, ...(ca !== null && { ca }) },
    })
}

/** The proxy that the usual variables name for a server, lower case first as curl has it. */
export const proxyFor = (
  server: URL,
  env: Readonly<Record<string, string | undefined>>,
): string | null => {
  const read = (name: string) => env[name.toLowerCase()] || env[name] || null
  const proxy = read(server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (proxy === null) return null
  const exceptions = (read('NO_PROXY') ?? '').split(/[\s,]+/).filter(Boolean)
  if (exceptions.some((exception) => covers(exception, server))) return null
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

/** `*`, `host`, `.domain`, `*.domain`, each with a port or without. */
const covers = (exception: string, { hostname, port, protocol }: URL): boolean => {
  if (exception === '*') return true
  const [, name = exception, wantedPort] = /^(.*?)(?::(\d+))?$/.exec(exception) ?? []
  const ownPort = port || (protocol === 'https:' ? '443' : '80')
  if (wantedPort !== undefined && wantedPort !== ownPort) return false
  const domain = name.toLowerCase().replace(/^\*?\./, '')
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
