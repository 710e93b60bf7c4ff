/** The plugin contract: what a plugin declares, what it is handed, and what it gives back. */
import type { Static, TObject } from '@sinclair/typebox'
import type { AnyElysia } from 'elysia'
import type { Auth } from '../auth/auth.ts'
import type { Runner } from '../jobs/runner.ts'
import type { Channel, Live } from '../live/live.ts'
import type { Blobs } from '../storage/blobs.ts'
import type { Database } from '../storage/database.ts'
import type { Migration } from '../storage/migrate.ts'
import type { Clock } from './clock.ts'
import type { Dialect } from './dialect.ts'
import type { Logger } from './log.ts'

/** A typed name for something one plugin provides and others use. The only way plugins meet. */
export interface Service<T> {
  readonly id: string
  /** Carries the type; never present at run time. */
  readonly _type?: T
}

export const defineService = <T>(id: string): Service<T> => ({ id })

export type Services = Readonly<Record<string, Service<unknown>>>

export type Values<S extends Services> = {
  readonly [K in keyof S]: S[K] extends Service<infer T> ? T : never
}

/** What `setup` is handed. Everything in it belongs to this plugin alone and ends with it. */
export interface PluginContext<Config, Uses extends Services> {
  readonly id: string
  readonly config: Readonly<Config>
  readonly uses: Values<Uses>
  /** Holds the plugin's tables, all named `<id>_*`. */
  readonly db: Database
  readonly blobs: Blobs
  readonly auth: Auth
  readonly live: Live
  readonly log: Logger
  readonly clock: Clock
  /** Aborted when the plugin stops or is reloaded. */
  readonly signal: AbortSignal
}

/** What `setup` hands back. Data, not calls: the kernel lists it, checks it and undoes it. */
export interface Contributions<Provides extends Services> {
  /** Routes with absolute paths. Make them with `router()`. */
  readonly routes?: AnyElysia
  readonly channels?: readonly Channel[]
  /** Kinds of jobs, by name: `<kind>` or `<plugin id>.<kind>`; no two plugins may share one. */
  readonly runners?: Readonly<Record<string, Runner>>
  /** Exactly what `provides` promised. */
  readonly services?: Values<Provides>
  /** Runs after every `setup` succeeded, in boot order. */
  start?(): void | Promise<void>
  /** Runs first when the plugin is to stop: ends long polls and streams, so that requests drain. */
  drain?(): void
  /** Runs in reverse boot order, also after a `start` that failed. */
  stop?(): void | Promise<void>
}

export interface PluginDefinition<
  Config extends TObject,
  Uses extends Services,
  Provides extends Services,
> {
  /** `^[a-z][a-z0-9-]*$`: the prefix of its tables, topics, log lines and config. */
  readonly id: string
  readonly version: string
  /** Semver range of the SDK it was written for. */
  readonly sdk: string
  /** Unknown keys and wrong values refuse the boot. */
  readonly config?: Config
  readonly uses?: Uses
  readonly provides?: Provides
  readonly dialect?: Dialect
  /**
   * Path prefixes it answers for even where it has no route, or did not start. The prefixes of
   * its routes are its own without being named here.
   */
  readonly paths?: readonly string[]
  /**
   * `token`: every route needs a login unless its `detail.security` is `[]`.
   * `open` (default): no login while the server is open (see docs/auth.md).
   */
  readonly access?: 'token' | 'open'
  /** Forward-only, run in order before `setup`. */
  readonly migrations?: readonly Migration[]
  setup(
    ctx: PluginContext<Static<Config>, Uses>,
  ): Contributions<Provides> | Promise<Contributions<Provides>>
}

/** Any plugin, whatever its type parameters: the form the kernel works with. */
export type Plugin = PluginDefinition<TObject, Services, Services>

/** Declares a plugin. Checks nothing by itself: the kernel checks all of them together at boot. */
export const definePlugin = <
  Config extends TObject = TObject<Record<never, never>>,
  Uses extends Services = Record<never, never>,
  Provides extends Services = Record<never, never>,
>(
  definition: PluginDefinition<Config, Uses, Provides>,
): Plugin => definition as unknown as Plugin
