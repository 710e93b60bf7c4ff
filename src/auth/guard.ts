/** Keeps web pages away from a server that trusts its own machine. */

export interface GuardPolicy {
  /** The address the server listens on. */
  readonly boundTo: string
  /** Host names beyond the loopback ones that the server may be called by, with or without port. */
  readonly allowedHosts: readonly string[]
  /** Origins whose pages may call the server: those of its CORS policy. */
  readonly allowedOrigins: readonly string[]
}

/** Why a request is refused, or null when it is not. Cheap: runs before every request. */
export type Guard = (request: Request) => string | null

/**
 * On a loopback address whoever reaches the server is trusted, so a page of some other site in the
 * user's browser must not reach it: neither under a name that resolves to loopback (`Host`) nor by
 * sending forms, fetches or WebSockets across sites (`Origin`). Bound to the network every request
 * proves itself by a token that browsers never attach by themselves, and nothing is refused.
 */
export const createGuard = (policy: GuardPolicy): Guard => {
  if (!isLoopback(policy.boundTo)) return () => null
  const hosts = new Set(policy.allowedHosts.map((host) => host.toLowerCase()))
  const origins = new Set(policy.allowedOrigins.map((origin) => origin.toLowerCase()))

  return (request) => {
    const host = (request.headers.get('host') ?? new URL(request.url).host).toLowerCase()
    const name = hostname(host)
    if (!isLoopback(name) && !hosts.has(host) && !hosts.has(name)) {
      return `The host ${JSON.stringify(host)} is not allowed`
    }
    const origin = request.headers.get('origin')?.toLowerCase()
    if (origin === undefined || origins.has(origin) || isSame(origin, host)) return null
    return `The origin ${JSON.stringify(origin)} is not allowed`
  }
}

/** True for the names and addresses of this machine alone. */
export const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || name === '::1' || isLoopbackV4(name)

/** All of 127.0.0.0/8, and only in the form that is an address and never a name in the DNS. */
const isLoopbackV4 = (name: string): boolean => {
  if (name === '127.0.0.1') return true
  const parts = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name)
  return parts?.slice(1).every((part) => Number(part) <= 255) ?? false
}

const hostname = (host: string): string => host.replace(/:\d*$/, '')

const isSame = (origin: string, host: string): boolean =>
  origin === `http://${host}` || origin === `https://${host}`
