/** One plugin, set up: what it contributed, and the means to start, serve and end it. */
import type { TObject } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { schemaProblems } from './config.ts'
import { HearthError } from './errors.ts'
import { mount } from './mount.ts'
import type { Contributions, Plugin, PluginContext, Services } from './plugin.ts'
import { type RouteEntry, routesOf } from './routes.ts'

/** A plugin as the configuration names it. */
export interface PluginSource {
  readonly plugin: Plugin
  /** Not yet checked. */
  readonly config: unknown
  readonly optional: boolean
  /** Runs code inside the plugin's own container; built-in plugins have none. */
  readonly within?: <T>(work: () => T) => T
  /** Releases the container after the plugin has stopped. */
  readonly dispose?: () => void
  /** Wraps a host service, so that its work outlives the container. */
  readonly bind?: <T extends object>(service: T) => T
}

/** What the host hands to plugins, made per plugin id. */
export type HostServices = (
  id: string,
) => Promise<Omit<PluginContext<unknown, Services>, 'id' | 'config' | 'uses' | 'signal'>>

export interface Instance {
  readonly source: PluginSource
  readonly contributions: Contributions<Services>
  readonly routes: readonly RouteEntry<string>[]
  readonly timesMs: { setup: number; start: number }
  handle(request: Request): Promise<Response>
  start(timeoutMs: number): Promise<void>
  /** Lets requests in flight end, at most `drainTimeoutMs`, then stops it. Never rejects. */
  stop(drainTimeoutMs: number): Promise<void>
}

/** Every problem of a plugin's configuration, readable; empty when it is valid. */
export const configProblems = ({ plugin, config }: PluginSource): string[] => {
  const where = `plugins.${plugin.id}.config`
  if (!plugin.config) {
    const given = Object.keys((config as object | undefined) ?? {})
    return given.map((key) => `${where}: ${key} is not a known setting`)
  }
  return schemaProblems(strict(plugin.config), completeConfig(plugin, config), where)
}

const strict = (schema: TObject): TObject => ({ additionalProperties: false, ...schema })

const completeConfig = (plugin: Plugin, config: unknown): unknown =>
  plugin.config ? Value.Default(plugin.config, structuredClone(config ?? {})) : {}

/** A plugin that did not even start may still have something to close. */
const minStopMs = 200

/** Runs `setup`. The plugin describes itself here; nothing of it serves before `start`. */
export const setUp = async (
  source: PluginSource,
  host: HostServices,
  uses: Readonly<Record<string, unknown>>,
  timeoutMs: number,
): Promise<Instance> => {
  const { plugin } = source
  const within = source.within ?? ((work) => work())
  const abort = new AbortController()
  const services = await host(plugin.id)
  const bind = source.bind ?? ((service) => service)
  const ctx = {
    db: bind(services.db),
    blobs: bind(services.blobs),
    auth: bind(services.auth),
    live: bind(services.live),
    log: bind(services.log),
    clock: services.clock,
    id: plugin.id,
    config: completeConfig(plugin, source.config),
    uses,
    signal: abort.signal,
  } as PluginContext<never, Services>
  const begun = performance.now()
  const contributions = await inTime(
    within(async () => plugin.setup(ctx)),
    timeoutMs,
    `setup of plugin ${plugin.id}`,
  )
  checkPromises(plugin, contributions)
  const app = contributions.routes && mount(contributions.routes, plugin.dialect, services.log)
  const timesMs = { setup: performance.now() - begun, start: 0 }
  let inFlight = 0
  let idle: (() => void) | undefined
  let stopping: Promise<void> | undefined
  const released = Promise.withResolvers<never>()
  released.promise.catch(() => {})
  return {
    source,
    contributions,
    routes: app ? routesOf(plugin.id, app) : [],
    timesMs,
    async handle(request) {
      inFlight++
      try {
        const reply = within(() => (app as NonNullable<typeof app>).handle(request))
        return await (source.dispose ? Promise.race([reply, released.promise]) : reply)
      } finally {
        if (--inFlight === 0) idle?.()
      }
    },
    async start(startTimeoutMs) {
      const started = performance.now()
      const work = within(async () => contributions.start?.())
      await inTime(work, startTimeoutMs, `start of plugin ${plugin.id}`)
      timesMs.start = performance.now() - started
    },
    stop(drainTimeoutMs) {
      stopping ??= end(drainTimeoutMs)
      return stopping
    },
  }

  async function end(drainTimeoutMs: number): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      if (inFlight === 0) resolve()
      else idle = resolve
    })
    try {
      within(() => contributions.drain?.())
    } catch (error) {
      services.log.error('plugin did not drain cleanly', { error })
    }
    await inTime(drained, drainTimeoutMs, 'drain').catch(() => {})
    abort.abort()
    const stopped = within(async () => contributions.stop?.())
    await inTime(stopped, Math.max(drainTimeoutMs, minStopMs), `stop of plugin ${plugin.id}`).catch(
      (error: unknown) => services.log.error('plugin did not stop cleanly', { error }),
    )
    source.dispose?.()
    // A released container settles no promise, so whoever still waits for one is told.
    released.reject(new HearthError('unavailable', `Plugin ${plugin.id} was released`))
  }
}

/** A plugin gives exactly the services it promised. */
const checkPromises = (plugin: Plugin, { services = {} }: Contributions<Services>): void => {
  const promised = Object.keys(plugin.provides ?? {})
  const missing = promised.filter((name) => !(name in services))
  const extra = Object.keys(services).filter((name) => !promised.includes(name))
  if (missing.length > 0) throw new Error(`setup did not return services: ${missing.join(', ')}`)
  if (extra.length > 0) throw new Error(`services not declared in provides: ${extra.join(', ')}`)
}

/** Rejects when `work` takes longer than `timeoutMs`; the message names what was waited for. */
export const inTime = async <T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took longer than ${timeoutMs} ms`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
