/** Takes every request from the socket to the plugin that owns its path, and words what fails. */
import type { Server } from 'bun'
import { isUpgrade } from '../auth/bearer.ts'
import type { Guard } from '../auth/guard.ts'
import type { Hub } from '../live/hub.ts'
import type { SocketData } from '../live/sockets.ts'
import { type SocketIo, socketIoPath } from '../live/socketio/engine.ts'
import { admit, type AdmitOptions } from './admit.ts'
import { limitBody } from './body.ts'
import { checkBodyType } from './body-types.ts'
import type { Assembly, Slot } from './boot.ts'
import type { ChannelMatch } from './channels.ts'
import type { Cors } from './cors.ts'
import { type RequestContext, rememberContext, requestScope } from './context.ts'
import { type Dialect, detailDialect } from './dialect.ts'
import { HearthError } from './errors.ts'
import type { Logger } from './log.ts'
import { answerError } from './mount.ts'
import { type RouteMatch, withoutSlash } from './routes.ts'

/** A route of the kernel itself: health, documentation. Public, GET only. */
export type KernelRoute = (request: Request) => Response | Promise<Response>

export interface DispatchOptions extends AdmitOptions {
  /** Read for each request, so that a reload takes effect between two of them. */
  readonly assembly: () => Assembly
  readonly isStopping: () => boolean
  readonly kernelRoutes: ReadonlyMap<string, KernelRoute>
  readonly hub: Hub
  readonly socketIo: SocketIo
  readonly rateLimited: boolean
  readonly guard: Guard
  readonly cors: Cors
  readonly log: Logger
  readonly trustProxy: boolean
  readonly maxBodyBytes: number
}

export type Socket = Pick<Server<SocketData>, 'upgrade' | 'requestIP'>

/** Answers `undefined` only for a request that became a WebSocket. */
export type Dispatch = (request: Request, socket: Socket) => Promise<Response | undefined>

export const createDispatch = (options: DispatchOptions): Dispatch => {
  const { log } = options
  return async (request, socket) => {
    const begun = performance.now()
    const context = contextFor(request, socket, options.trustProxy)
    rememberContext(request, context)
    const path = pathOf(request.url)
    const assembly = options.assembly()
    const match = assembly.routes.find(methodOf(request), path)
    const slot = match.owner === undefined ? undefined : assembly.slots.get(match.owner)
    const dialect = slot?.plugin.dialect ?? detailDialect
    const headers: Record<string, string> = { 'x-request-id': context.id }
    let response: Response | undefined
    try {
      const visit = { request, socket, context, path, match, slot, headers }
      response = await requestScope.run(context, () => handle(visit, options))
    } catch (error) {
      response = answerError(error, request, dialect, log)
    }
    if (response) response = await dress(response, request, headers, options.cors)
    log.debug('request', {
      requestId: context.id,
      method: request.method,
      path,
      status: response?.status ?? 101,
      ms: Math.round((performance.now() - begun) * 100) / 100,
    })
    return response
  }
}

interface Visit {
  readonly request: Request
  readonly socket: Socket
  readonly context: RequestContext
  readonly path: string
  readonly match: RouteMatch<string>
  readonly slot: Slot | undefined
  /** Headers of the reply, collected on the way. */
  readonly headers: Record<string, string>
}

const handle = async (visit: Visit, options: DispatchOptions): Promise<Response | undefined> => {
  const { request, path, match, slot, context, headers } = visit
  const isSocketIo = withoutSlash(path) === socketIoPath
  // Polls go on while the server stops: what was published before the end is still handed out.
  if (options.isStopping() && !(isSocketIo && options.socketIo.knows(request))) {
    throw new HearthError('shutting_down', undefined, { headers: { connection: 'close' } })
  }
  const refusal = options.guard(request)
  if (refusal) throw new HearthError('foreign_origin', refusal)
  if (request.method === 'OPTIONS') {
    return (await options.cors.preflight(request)) ?? answerOptions(visit, options)
  }
  if (isSocketIo) {
    const upgrade = (data: SocketData) => visit.socket.upgrade(request, { data })
    return options.socketIo.handle(request, context.ip, upgrade)
  }
  const kernelRoute = options.kernelRoutes.get(withoutSlash(path))
  if (kernelRoute) return answerKernel(kernelRoute, request)
  const channel = options.assembly().channels.find(path)
  if (channel && isUpgrade(request)) return openChannel(visit, channel, options)
  if (slot && slot.state !== 'running') {
    throw new HearthError('plugin_failed', `${slot.plugin.id} is not available: ${slot.state}`)
  }
  if (!match.route || !slot?.instance) throw unknownPath(visit, options, channel !== undefined)
  const { isPublic, rateClass, bodyTypes, maxBodyBytes } = match.route.marks
  const wanted = { plugin: slot.plugin, isPublic, rateClass }
  context.who = await admit(request, context.ip, wanted, options, headers)
  checkBodyType(request, bodyTypes)
  const bounded = limitBody(asGet(request), maxBodyBytes ?? options.maxBodyBytes)
  if (bounded !== request) rememberContext(bounded, context)
  return slot.instance.handle(bounded)
}

const answerKernel = (route: KernelRoute, request: Request): Response | Promise<Response> => {
  if (request.method === 'GET' || request.method === 'HEAD') return route(request)
  throw new HearthError('method_not_allowed', undefined, { headers: { allow: 'GET, HEAD' } })
}

const answerOptions = (visit: Visit, options: DispatchOptions): Response => {
  const allowed = allowedAt(visit.path, options)
  if (allowed.length === 0) throw new HearthError('not_found')
  return new Response(null, { status: 204, headers: { allow: allowed.join(', ') } })
}

const allowedAt = (path: string, options: DispatchOptions): string[] => {
  const methods = options.kernelRoutes.has(withoutSlash(path))
    ? ['GET']
    : options.assembly().routes.allowed(path)
  if (methods.length === 0) return []
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].sort()
}

const unknownPath = (visit: Visit, options: DispatchOptions, isChannel: boolean): HearthError => {
  if (isChannel) {
    return new HearthError('upgrade_required', undefined, { headers: { upgrade: 'websocket' } })
  }
  const allowed = allowedAt(visit.path, options)
  if (allowed.length === 0) return new HearthError('not_found', 'Not found: no such path')
  return new HearthError('method_not_allowed', undefined, {
    headers: { allow: allowed.join(', ') },
  })
}

const openChannel = async (
  visit: Visit,
  found: ChannelMatch<string>,
  options: DispatchOptions,
): Promise<Response | undefined> => {
  const { channel, params } = found
  const slot = options.assembly().slots.get(found.owner)
  if (slot?.state !== 'running') throw new HearthError('plugin_failed')
  const { request, socket, context, headers } = visit
  const isPublic = channel.isPublic === true
  const wanted = { plugin: slot.plugin, isPublic, rateClass: 'api' } as const
  const who = await admit(request, context.ip, wanted, options, headers)
  const upgrade = { request, socket, channel, params, who, pluginId: slot.plugin.id }
  return options.hub.upgrade({ ...upgrade, ...(options.rateLimited && { address: context.ip }) })
}

/** HEAD is GET without its body; the router knows GET only. */
const methodOf = (request: Request): string => (request.method === 'HEAD' ? 'GET' : request.method)

const asGet = (request: Request): Request =>
  request.method === 'HEAD' ? new Request(request.url, { headers: request.headers }) : request

/** Everything between the authority and the query; cheaper than a URL object. */
export const pathOf = (url: string): string => {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  if (start < 0) return '/'
  const end = url.indexOf('?', start)
  return end < 0 ? url.slice(start) : url.slice(start, end)
}

const bootMark = Math.floor(Math.random() * 36 ** 6).toString(36)
let requestCount = 0

const contextFor = (request: Request, socket: Socket, trustProxy: boolean): RequestContext => {
  const given = request.headers.get('x-request-id')
  const id =
    given && /^[\w.-]{1,64}$/.test(given) ? given : `${bootMark}-${(++requestCount).toString(36)}`
  // The last entry is the proxy's own word; those before it are whatever the client sent.
  const forwarded = trustProxy ? request.headers.get('x-forwarded-for')?.split(',').at(-1) : ''
  return {
    id,
    method: request.method,
    ip: forwarded?.trim() || (socket.requestIP(request)?.address ?? 'unknown'),
    who: null,
  }
}

const dress = async (
  response: Response,
  request: Request,
  headers: Readonly<Record<string, string>>,
  cors: Cors,
): Promise<Response> => {
  for (const name in headers) response.headers.set(name, headers[name] as string)
  if (request.headers.has('origin')) await cors.apply(request, response.headers)
  return response
}
