/** Who asks, and whether they may ask once more: what comes before a plugin sees a request. */
import { callerKey } from '../auth/address.ts'
import type { Auth } from '../auth/auth.ts'
import { bearerOf } from '../auth/bearer.ts'
import type { LimitClass, Limits } from '../auth/limits.ts'
import type { Who } from '../auth/who.ts'
import { HearthError } from './errors.ts'
import type { Plugin } from './plugin.ts'

export interface AdmitOptions {
  readonly auth: Auth
  readonly limits: Limits
  readonly authRequired: boolean
}

/** What is wanted: a route or a channel of a plugin. */
export interface Wanted {
  readonly plugin: Plugin
  readonly isPublic: boolean
  readonly rateClass: LimitClass
}

/** Who an open server takes callers without a token for. */
const localUser: Who = { id: 0, username: 'local', isSuperuser: true, via: 'local' }

/**
 * The caller, null only where none is needed. Headers that tell the caller where it stands with
 * its limits are put into `headers`, also when it is refused.
 * @throws HearthError `unauthorized`, `rate_limited`
 */
export const admit = async (
  request: Request,
  ip: string,
  wanted: Wanted,
  options: AdmitOptions,
  headers: Record<string, string>,
): Promise<Who | null> => {
  const who = await recognize(request, wanted, options)
  // A caller that failed to prove itself is counted by its address: guessing is not free.
  const verdict = options.limits.check(callerKey(who || null, ip), wanted.rateClass)
  Object.assign(headers, verdict.headers)
  if (!verdict.allowed) throw new HearthError('rate_limited')
  if (who === false) throw unauthorized('Could not validate credentials')
  if (who === null && needsToken(wanted, options)) throw unauthorized('Not authenticated')
  return who
}

/** False for a token that proves nothing where one is needed. */
const recognize = async (
  request: Request,
  wanted: Wanted,
  options: AdmitOptions,
): Promise<Who | null | false> => {
  const token = bearerOf(request)
  if (token === null) return isOpen(wanted, options) ? localUser : null
  const cached = options.auth.whoIsCached(token)
  const who = cached === undefined ? await options.auth.whoIs(token) : cached
  return who ?? (wanted.isPublic ? null : false)
}

const isOpen = ({ plugin }: Wanted, { authRequired }: AdmitOptions): boolean =>
  !authRequired && plugin.access !== 'token'

const needsToken = (wanted: Wanted, options: AdmitOptions): boolean =>
  !wanted.isPublic && !isOpen(wanted, options)

const unauthorized = (message: string): HearthError =>
  new HearthError('unauthorized', message, { headers: { 'WWW-Authenticate': 'Bearer' } })
