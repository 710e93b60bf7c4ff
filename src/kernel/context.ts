/** What the kernel knows about a request while a plugin handles it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Who } from '../auth/who.ts'

export interface RequestContext {
  readonly id: string
  /** As it was sent: handlers of GET are handed HEAD as GET. */
  readonly method: string
  /** Address of the caller, from the socket (or from a trusted proxy's header). */
  readonly ip: string
  who: Who | null
}

const contexts = new WeakMap<Request, RequestContext>()

export const rememberContext = (request: Request, context: RequestContext): void => {
  contexts.set(request, context)
}

/** The context of a request that came through the kernel. */
export const contextOf = (request: Request): RequestContext => {
  const context = contexts.get(request)
  if (!context) throw new Error('This request did not come through the kernel')
  return context
}

/** The request that the running code works for, whoever called it: log lines carry its id. */
export const requestScope = new AsyncLocalStorage<RequestContext>()
