/** Boot order: derived from what plugins use and provide, and from nothing else. */
import type { Plugin } from './plugin.ts'

/** What is wrong with a set of plugins; every problem found, not only the first. */
export class BootError extends Error {
  override readonly name = 'BootError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * Sorts plugins so that each comes after those whose services it uses; plugins that do not depend
 * on each other keep the order given.
 * @throws BootError naming every missing or doubly provided service, or the circle of plugins
 */
export const bootOrder = (plugins: readonly Plugin[]): Plugin[] => {
  const providers = providersOf(plugins)
  const needs = needsOf(plugins, providers)
  const sorted: Plugin[] = []
  const state = new Map<Plugin, 'visiting' | 'done'>()
  const visit = (plugin: Plugin, path: readonly string[]): void => {
    if (state.get(plugin) === 'done') return
    if (state.get(plugin) === 'visiting') {
      const circle = [...path.slice(path.indexOf(plugin.id)), plugin.id].join(' -> ')
      throw new BootError([`plugins use each other in a circle: ${circle}`])
    }
    state.set(plugin, 'visiting')
    for (const needed of needs.get(plugin) ?? []) visit(needed, [...path, plugin.id])
    state.set(plugin, 'done')
    sorted.push(plugin)
  }
  for (const plugin of plugins) visit(plugin, [])
  return sorted
}

const providersOf = (plugins: readonly Plugin[]): Map<string, Plugin> => {
  const providers = new Map<string, Plugin>()
  const problems: string[] = []
  for (const plugin of plugins) {
    for (const service of Object.values(plugin.provides ?? {})) {
      const other = providers.get(service.id)
      if (other) problems.push(`service ${service.id} is provided by ${other.id} and ${plugin.id}`)
      providers.set(service.id, plugin)
    }
  }
  if (problems.length > 0) throw new BootError(problems)
  return providers
}

const needsOf = (
  plugins: readonly Plugin[],
  providers: ReadonlyMap<string, Plugin>,
): Map<Plugin, Plugin[]> => {
  const problems: string[] = []
  const needs = new Map<Plugin, Plugin[]>()
  for (const plugin of plugins) {
    const needed: Plugin[] = []
    for (const service of Object.values(plugin.uses ?? {})) {
      const provider = providers.get(service.id)
      if (provider) needed.push(provider)
      else problems.push(`plugin ${plugin.id} uses ${service.id}, which no plugin provides`)
    }
    needs.set(plugin, needed)
  }
  if (problems.length > 0) throw new BootError(problems)
  return needs
}
