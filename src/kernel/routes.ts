/** The table of all routes: who answers a path, what is marked on it, and where plugins clash. */
import type { AnyElysia } from 'elysia'
import { Memoirist } from 'memoirist'
import { type LimitClass, limitClasses } from '../auth/limits.ts'
import { type BodyHooks, bodyTypesOf } from './body-types.ts'

/** What a route says of itself, mostly in its OpenAPI `detail`, as far as the kernel acts on it. */
export interface RouteMarks {
  /** `detail.security` is `[]`: no login, whatever the server's mode. */
  readonly isPublic: boolean
  /** `detail['x-rate-limit']`: the budget its requests are counted in. */
  readonly rateClass: LimitClass
  /** `detail['x-max-body']`: bytes of body it takes; absent: the server's limit. */
  readonly maxBodyBytes: number | undefined
  /** `detail['x-content-types']`, or what its body's schema tells; absent: the route's own care. */
  readonly bodyTypes: readonly string[] | undefined
}

export interface RouteEntry<Owner> {
  readonly owner: Owner
  readonly method: string
  readonly path: string
  readonly marks: RouteMarks
}

export interface RouteMatch<Owner> {
  readonly route: RouteEntry<Owner> | undefined
  readonly params: Readonly<Record<string, string>>
  /** Whose dialect answers when no route does. */
  readonly owner: Owner | undefined
}

/** The routes of a mounted app as entries of its owner. @throws Error for an unknown budget */
export const routesOf = <Owner>(owner: Owner, app: AnyElysia): RouteEntry<Owner>[] =>
  app.routes.map(({ method, path, hooks }) => ({
    owner,
    method,
    path,
    marks: marksOf(hooks as BodyHooks, `${method} ${path}`),
  }))

const marksOf = (hooks: BodyHooks, route: string): RouteMarks => {
  const { detail = {} } = hooks
  return {
    isPublic: Array.isArray(detail['security']) && detail['security'].length === 0,
    rateClass: rateClassOf(detail['x-rate-limit'] ?? 'api', route),
    maxBodyBytes: typeof detail['x-max-body'] === 'number' ? detail['x-max-body'] : undefined,
    bodyTypes: bodyTypesOf(hooks),
  }
}

const rateClassOf = (mark: unknown, route: string): LimitClass => {
  const known = limitClasses.find((name) => name === mark)
  if (known) return known
  throw new Error(
    `${route} is marked x-rate-limit ${JSON.stringify(mark)}; one of ${limitClasses.join(', ')}`,
  )
}

/** A path without its trailing slash, the form in which paths are compared. */
export const withoutSlash = (path: string): string =>
  path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path

/** Paths of the same shape would catch the same requests, whatever their parameters' names. */
export const shapeOf = (path: string): string => withoutSlash(path).replace(/\/:[^/]+/g, '/:')

export class RouteTable<Owner> {
  readonly #router = new Memoirist<RouteEntry<Owner>>()
  readonly #owners = new Map<string, Owner>()
  readonly #shapes = new Map<string, RouteEntry<Owner>>()
  readonly #methods = new Set<string>()

  /** Adds a route; answers the one it clashes with, if any. */
  add(entry: RouteEntry<Owner>): RouteEntry<Owner> | undefined {
    const shape = `${entry.method} ${shapeOf(entry.path)}`
    const other = this.#shapes.get(shape)
    if (other) return other
    this.#shapes.set(shape, entry)
    this.#methods.add(entry.method)
    this.#router.add(entry.method, withoutSlash(entry.path), entry)
    this.own(staticPrefix(entry.path), entry.owner)
    return undefined
  }

  /** Makes `owner` answer for whatever lies under `prefix` and has no route. First come, first. */
  own(prefix: string, owner: Owner): void {
    if (!this.#owners.has(prefix)) this.#owners.set(prefix, owner)
  }

  find(method: string, path: string): RouteMatch<Owner> {
    const bare = withoutSlash(path)
    const found = this.#router.find(method, bare)
    if (found) return { route: found.store, params: found.params, owner: found.store.owner }
    return { route: undefined, params: {}, owner: this.#ownerOf(bare) }
  }

  /** The methods that do have a route at `path`. */
  allowed(path: string): string[] {
    const bare = withoutSlash(path)
    return [...this.#methods].filter((method) => this.#router.find(method, bare) !== null)
  }

  /** Every route, in order of path: for the boot tree and the documentation. */
  entries(): RouteEntry<Owner>[] {
    return [...this.#shapes.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  #ownerOf(path: string): Owner | undefined {
    for (let prefix = path; prefix.length > 0; prefix = prefix.slice(0, prefix.lastIndexOf('/'))) {
      const owner = this.#owners.get(prefix)
      if (owner) return owner
    }
    return undefined
  }
}

const staticPrefix = (path: string): string => {
  const cut = path.search(/\/[:*]/)
  return withoutSlash(cut < 0 ? path : path.slice(0, cut))
}
