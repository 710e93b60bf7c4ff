/** Loads plugins from outside the program, each in a module graph that can be released. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { FileConfig } from './config.ts'
import type { PluginSource } from './instance.ts'
import type { Logger } from './log.ts'
import { offerSdk } from './offered.ts'
import { BootError } from './order.ts'
import type { Plugin } from './plugin.ts'

/** Runs work in the host's own context, wherever the caller stands: what it opens stays open. */
const inHost = AsyncLocalStorage.snapshot()

/**
 * Loads the plugin at `path`, a TypeScript file or a folder with an `index.ts`.
 * @throws BootError that names the path and says what is wrong with it
 */
export const loadPlugin = async (
  path: string,
  log: Logger,
): Promise<Pick<PluginSource, 'plugin' | 'within' | 'dispose' | 'bind'>> => {
  offerSdk()
  const entry = entryOf(path)
  const graph = new Bun.ModuleGraph({
    onError: (error, kind) => log.error(`plugin ${path}: ${kind}`, { error }),
  })
  try {
    const module = await graph.import<{ default?: unknown }>(entry)
    return {
      plugin: asPlugin(module.default, entry),
      within: (work) => graph.run(work),
      dispose: () => graph.dispose(),
      bind: bindToHost,
    }
  } catch (error) {
    graph.dispose()
    if (error instanceof BootError) throw error
    throw new BootError([`plugin ${path} cannot be loaded: ${describe(error)}`])
  }
}

/** The file to import for a path that the configuration names. */
export const entryOf = (path: string): string => {
  const full = resolve(path)
  if (!existsSync(full)) throw new BootError([`plugin ${path} does not exist`])
  if (!statSync(full).isDirectory()) return full
  const entry = join(full, 'index.ts')
  if (!existsSync(entry)) throw new BootError([`plugin folder ${path} has no index.ts`])
  return entry
}

const asPlugin = (value: unknown, entry: string): Plugin => {
  const plugin = value as Partial<Plugin> | undefined
  if (typeof plugin?.id === 'string' && typeof plugin.setup === 'function' && plugin.sdk) {
    return plugin as Plugin
  }
  throw new BootError([`${entry} must export definePlugin({ id, version, sdk, setup }) as default`])
}

/** A syntax error carries its place; others their message. */
const describe = (error: unknown): string => {
  const errors = (error as { errors?: unknown[] }).errors
  if (Array.isArray(errors) && errors.length > 0) return errors.map(String).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/**
 * Wraps a host service so that what it opens belongs to the host: without this, disposing of the
 * plugin's graph would cut, say, a transaction of the host's in half.
 */
const bindToHost = <T extends object>(service: T): T =>
  new Proxy(service, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => inHost(() => value.apply(target, args) as unknown)
    },
  })

/** Paths of the plugins in `<folder>/plugins`, unless the folder holds the program's own source. */
export const discoverPlugins = (folder: string): string[] => {
  const plugins = join(folder, 'plugins')
  if (!existsSync(plugins) || existsSync(join(folder, 'src/kernel/loader.ts'))) return []
  return readdirSync(plugins, { withFileTypes: true })
    .filter((item) =>
      item.isDirectory()
        ? existsSync(join(plugins, item.name, 'index.ts'))
        : item.name.endsWith('.ts') && !item.name.endsWith('.test.ts'),
    )
    .map((item) => resolve(plugins, item.name))
    .sort()
}

/** A plugin as it was found, with the settings that the config file holds for it. */
export interface ExternalPlugin {
  readonly path: string
  readonly source: PluginSource
}

/** @throws BootError with what is wrong with every plugin that is not optional */
export const loadExternal = async (
  found: readonly string[],
  settings: NonNullable<FileConfig['plugins']>,
  log: Logger,
): Promise<ExternalPlugin[]> => {
  const named = Object.entries(settings).filter(([, { path }]) => path !== undefined)
  const paths = new Set([...found, ...named.map(([, { path }]) => path as string)])
  const problems: string[] = []
  const loaded: ExternalPlugin[] = []
  for (const path of paths) {
    const id = named.find(([, entry]) => entry.path === path)?.[0]
    try {
      const source = await loadSource(path, settings, log, id)
      if (source) loaded.push({ path, source })
    } catch (error) {
      if (id !== undefined && settings[id]?.optional) log.error((error as Error).message)
      else problems.push((error as Error).message)
    }
  }
  if (problems.length > 0) throw new BootError(problems)
  return loaded
}

/** Loads one plugin and joins it with its settings; null when these switch it off. */
export const loadSource = async (
  path: string,
  settings: NonNullable<FileConfig['plugins']>,
  log: Logger,
  expectedId?: string,
): Promise<PluginSource | null> => {
  const loaded = await loadPlugin(path, log)
  const { id } = loaded.plugin
  if (expectedId !== undefined && expectedId !== id) {
    loaded.dispose?.()
    throw new BootError([`plugins.${expectedId}.path leads to a plugin with the id ${id}`])
  }
  if (settings[id]?.enabled === false) {
    loaded.dispose?.()
    return null
  }
  return {
    ...loaded,
    config: settings[id]?.config,
    optional: settings[id]?.optional ?? false,
  }
}
