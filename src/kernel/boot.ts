/** Boots plugins in order: check everything, migrate, set up, verify, start; and back again. */
import type { Runner } from '../jobs/runner.ts'
import { ChannelTable } from './channels.ts'
import {
  configProblems,
  type HostServices,
  type Instance,
  type PluginSource,
  setUp,
} from './instance.ts'
import { BootError, bootOrder } from './order.ts'
import type { Plugin } from './plugin.ts'
import { type RouteEntry, RouteTable } from './routes.ts'

/** The version plugins name in `sdk`. */
export const sdkVersion = '0.1.0'

export interface BootOptions {
  readonly sources: readonly PluginSource[]
  readonly host: HostServices
  /** Runs a plugin's pending migrations. */
  readonly migrate: (plugin: Plugin) => Promise<void>
  /** Routes of the kernel itself, which no plugin may claim. */
  readonly reserved: readonly string[]
  readonly startTimeoutMs: number
  readonly drainTimeoutMs: number
}

/** A plugin's place in the running kernel, whether it came up or not. */
export interface Slot {
  plugin: Plugin
  state: 'running' | 'failed' | 'blocked'
  reason?: string
  /** Absent when `setup` did not succeed; kept, stopped, when `start` did not. */
  instance?: Instance
}

/** Everything that is served, replaced as a whole when a plugin is reloaded. */
export interface Assembly {
  readonly slots: ReadonlyMap<string, Slot>
  readonly routes: RouteTable<string>
  readonly channels: ChannelTable<string>
  readonly runners: ReadonlyMap<string, OwnedRunner>
}

export interface OwnedRunner {
  readonly owner: string
  readonly runner: Runner
}

/** @throws BootError with every problem found, when a required plugin cannot run */
export const boot = async (options: BootOptions): Promise<Assembly> => {
  checkDefinitions(options.sources)
  const bySource = new Map(options.sources.map((source) => [source.plugin, source]))
  const order = bootOrder(options.sources.map(({ plugin }) => plugin))
  const problems = options.sources.flatMap(configProblems)
  if (problems.length > 0) throw new BootError(problems)
  const slots = new Map<string, Slot>()
  try {
    for (const plugin of order) {
      const source = bySource.get(plugin) as PluginSource
      slots.set(plugin.id, await bring(source, slots, options))
    }
    const assembly = assemble(slots, options.reserved)
    for (const slot of slots.values()) await startSlot(slot, slots, options)
    return assembly
  } catch (error) {
    await stopAll(slots, options.drainTimeoutMs)
    throw error
  }
}

const checkDefinitions = (sources: readonly PluginSource[]): void => {
  const problems: string[] = []
  const ids = new Set<string>()
  for (const { plugin } of sources) {
    if (ids.has(plugin.id)) problems.push(`two plugins have the id ${plugin.id}`)
    if (plugin.id === 'auth') problems.push('the plugin id auth is taken by the kernel')
    for (const other of [...ids, 'auth']) {
      if (sharePrefix(other, plugin.id)) {
        problems.push(`the tables of plugin ${plugin.id} could not be told from those of ${other}`)
      }
    }
    ids.add(plugin.id)
    problems.push(...definitionProblems(plugin))
  }
  if (problems.length > 0) throw new BootError(problems)
}

/** What is wrong with a definition by itself. */
export const definitionProblems = ({ id, sdk }: Plugin): string[] => [
  ...(/^[a-z][a-z0-9-]*$/.test(id)
    ? []
    : [`plugin id ${JSON.stringify(id)} must match ^[a-z][a-z0-9-]*$`]),
  ...(Bun.semver.satisfies(sdkVersion, sdk)
    ? []
    : [`plugin ${id} needs SDK ${sdk}; this is ${sdkVersion}`]),
]

/** Tables are named `<id>_*`, so no id may be another one's beginning: `a` and `a-b`, say. */
const sharePrefix = (a: string, b: string): boolean => {
  const [first, second] = [a, b].map((id) => `${id.replaceAll('-', '_')}_`) as [string, string]
  return first !== second && (first.startsWith(second) || second.startsWith(first))
}

/** Migrates and sets up one plugin; an optional one that fails leaves a slot that says why. */
const bring = async (
  source: PluginSource,
  slots: ReadonlyMap<string, Slot>,
  options: BootOptions,
): Promise<Slot> => {
  const { plugin } = source
  const blocker = blockerOf(plugin, slots)
  if (blocker) return failedSlot(source, 'blocked', `it uses ${blocker}, which did not start`)
  try {
    await options.migrate(plugin)
    const uses = usesOf(plugin, slots)
    const instance = await setUp(source, options.host, uses, options.startTimeoutMs)
    return { plugin, state: 'running', instance }
  } catch (error) {
    return failedSlot(source, 'failed', (error as Error).message)
  }
}

const startSlot = async (
  slot: Slot,
  slots: ReadonlyMap<string, Slot>,
  options: BootOptions,
): Promise<void> => {
  const { instance, plugin } = slot
  if (!instance) return
  const blocker = blockerOf(plugin, slots)
  try {
    if (blocker) throw new Error(`it uses ${blocker}, which did not start`)
    await instance.start(options.startTimeoutMs)
  } catch (error) {
    await instance.stop(0)
    const state = blocker ? 'blocked' : 'failed'
    Object.assign(slot, failedSlot(instance.source, state, (error as Error).message))
  }
}

const failedSlot = (source: PluginSource, state: 'failed' | 'blocked', reason: string): Slot => {
  if (!source.optional) throw new BootError([`plugin ${source.plugin.id} ${state}: ${reason}`])
  return { plugin: source.plugin, state, reason }
}

const providerIds = (plugin: Plugin, slots: ReadonlyMap<string, Slot>): Map<string, Slot> => {
  const found = new Map<string, Slot>()
  for (const [name, service] of Object.entries(plugin.uses ?? {})) {
    for (const slot of slots.values()) {
      const provided = Object.values(slot.plugin.provides ?? {})
      if (provided.some(({ id }) => id === service.id)) found.set(name, slot)
    }
  }
  return found
}

const blockerOf = (plugin: Plugin, slots: ReadonlyMap<string, Slot>): string | undefined =>
  [...providerIds(plugin, slots).values()].find(({ state }) => state !== 'running')?.plugin.id

export const usesOf = (plugin: Plugin, slots: ReadonlyMap<string, Slot>): Record<string, unknown> =>
  Object.fromEntries(
    [...providerIds(plugin, slots)].map(([name, slot]) => {
      const wanted = plugin.uses?.[name]?.id
      const provided = Object.entries(slot.plugin.provides ?? {})
      const key = provided.find(([, { id }]) => id === wanted)?.[0] as string
      return [name, slot.instance?.contributions.services?.[key]]
    }),
  )

/**
 * Builds the tables of routes and channels.
 * @throws BootError naming every path that two plugins claim
 */
export const assemble = (
  slots: ReadonlyMap<string, Slot>,
  reserved: readonly string[],
): Assembly => {
  const problems: string[] = []
  const routes = new RouteTable<string>()
  const channels = new ChannelTable<string>()
  const runners = new Map<string, OwnedRunner>()
  const taken = new Set(reserved)
  for (const slot of slots.values()) {
    const { id } = slot.plugin
    for (const prefix of slot.plugin.paths ?? []) routes.own(prefix, id)
    for (const route of slot.instance?.routes ?? []) {
      const clash = taken.has(route.path) ? 'the kernel' : otherOwner(routes.add(route))
      if (clash) problems.push(`${route.method} ${route.path} is claimed by ${clash} and ${id}`)
    }
    for (const [kind, runner] of Object.entries(slot.instance?.contributions.runners ?? {})) {
      const other = runners.get(kind)
      if (other) problems.push(`job kind ${kind} is claimed by ${other.owner} and ${id}`)
      runners.set(kind, { owner: id, runner })
    }
    for (const channel of slot.instance?.contributions.channels ?? []) {
      const other = channels.add(id, channel)
      if (other) problems.push(`${channel.path} is claimed by ${other.owner} and ${id}`)
      routes.own(channel.path.replace(/\/[:*].*$/, ''), id)
    }
  }
  if (problems.length > 0) throw new BootError(problems)
  return { slots, routes, channels, runners }
}

const otherOwner = (entry: RouteEntry<string> | undefined): string | undefined => entry?.owner

/** The mirror image of boot: last started, first stopped. */
export const stopAll = async (
  slots: ReadonlyMap<string, Slot>,
  drainTimeoutMs: number,
): Promise<void> => {
  for (const slot of [...slots.values()].reverse()) await slot.instance?.stop(drainTimeoutMs)
}
