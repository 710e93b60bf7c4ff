/** The plugins that are part of the program. */
import tracking from '../../plugins/tracking/index.ts'
import type { FileConfig } from '../kernel/config.ts'
import type { PluginSource } from '../kernel/instance.ts'
import { BootError } from '../kernel/order.ts'
import type { Plugin } from '../kernel/plugin.ts'

const builtIn: readonly Plugin[] = [tracking]

/**
 * The built-in plugins as the config file wants them.
 * @throws BootError for settings of a plugin that is not there
 */
export const builtInSources = (settings: NonNullable<FileConfig['plugins']>): PluginSource[] => {
  const ids = new Set(builtIn.map(({ id }) => id))
  const unknown = Object.entries(settings)
    .filter(([id, { path }]) => path === undefined && !ids.has(id))
    .map(([id]) => `plugins.${id}: there is no built-in plugin ${id}, and no path is given`)
  if (unknown.length > 0) throw new BootError(unknown)
  return builtIn
    .filter(({ id }) => settings[id]?.enabled !== false)
    .map((plugin) => ({
      plugin,
      config: settings[plugin.id]?.config,
      optional: settings[plugin.id]?.optional ?? false,
    }))
}
