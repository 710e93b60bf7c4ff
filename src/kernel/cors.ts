/** Cross-origin headers by `@elysiajs/cors`, for every reply whoever made it. */
import { cors } from '@elysiajs/cors'
import { Elysia } from 'elysia'

/** Where front ends run while they are developed. */
export const defaultOrigins = ['http://localhost:3000', 'http://localhost:5173']

/** What pages may send; left to itself the library would name its own headers here. */
const accepted = [
  'Authorization',
  'Content-Type',
  'Content-Encoding',
  'Digest',
  'If-None-Match',
  'Range',
  'X-Request-Id',
]

const exposed = [
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
  'ETag',
  'Content-Disposition',
]

export interface Cors {
  /** Answers a preflight, or null when the request is none. */
  preflight(request: Request): Promise<Response> | null
  /** Adds what the origin of `request` may see. Called only for requests that name an origin. */
  apply(request: Request, headers: Headers): Promise<void>
}

export const createCors = (origins: readonly string[]): Cors => {
  const app = new Elysia()
    .use(
      cors({
        origin: origins.includes('*') ? true : [...origins].map(originPattern),
        credentials: true,
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
        allowedHeaders: accepted,
        exposeHeaders: exposed,
        maxAge: 600,
      }),
    )
    .get('/', () => '')
  return {
    preflight(request) {
      const asks = request.headers.has('access-control-request-method')
      return asks && request.method === 'OPTIONS' ? app.handle(asRoot(request, 'OPTIONS')) : null
    },
    async apply(request, headers) {
      const reply = await app.handle(asRoot(request, 'GET'))
      for (const [name, value] of reply.headers) {
        if (name.startsWith('access-control-') || name === 'vary') headers.set(name, value)
      }
    },
  }
}

/** The whole origin, scheme and port included: the library compares strings without the scheme. */
const originPattern = (origin: string): RegExp =>
  new RegExp(`^${origin.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)

const asRoot = (request: Request, method: string): Request => {
  const headers = new Headers()
  for (const name of [
    'origin',
    'access-control-request-method',
    'access-control-request-headers',
  ]) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Request('http://localhost/', { method, headers })
}
