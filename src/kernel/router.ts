/** Makes the Elysia instance a plugin hangs its routes on. */
import { Elysia } from 'elysia'
import type { Who } from '../auth/who.ts'
import { limitDepth } from './body-depth.ts'
import { contextOf } from './context.ts'
import { HearthError } from './errors.ts'

/**
 * A router whose handlers receive `who`, the authenticated caller, and `requestId`.
 * On an open server `who` is the implicit local user, so handlers never meet a null.
 */
export const router = () => new Elysia({ normalize: true }).use(caller)

/** Named, so that a router made of routers asks once for each request and not once for each. */
const caller = new Elysia({ name: 'caller' })
  .onTransform({ as: 'global' }, ({ body }) => limitDepth(body))
  .resolve({ as: 'global' }, ({ request }) => {
    const context = contextOf(request)
    return { requestId: context.id, who: context.who ?? anonymous }
  })

/** Stands in for `who` on routes that need no login; any use of it is refused as unauthorized. */
const anonymous = new Proxy({} as Who, {
  get() {
    throw new HearthError('unauthorized')
  },
})
