/** The plugins that are part of the program. */
import experiments from '../../plugins/experiments/index.ts'
import jobRuns from '../../plugins/job-runs/index.ts'
import scenarios from '../../plugins/scenarios/index.ts'
import tracking from '../../plugins/tracking/index.ts'
import { type JobsOptions, jobsPlugin } from '../jobs/index.ts'
import type { FileConfig } from '../kernel/config.ts'
import type { PluginSource } from '../kernel/instance.ts'
import { BootError } from '../kernel/order.ts'
import type { Plugin } from '../kernel/plugin.ts'

const standOnOthers = new Set([jobRuns.id, experiments.id, scenarios.id])

/** For those who look at the plugins and set none of them up. */
const unused: JobsOptions = {
  dataDir: '',
  runners: () => new Map(),
  shared: false,
}

/**
 * The built-in plugins as the config file wants them.
 * @throws BootError for settings of a plugin that is not there
 */
export const builtInSources = (
  settings: NonNullable<FileConfig['plugins']>,
  jobs = unused,
): PluginSource[] => {
  const builtIn: readonly Plugin[] = [jobsPlugin(jobs), tracking, jobRuns, experiments, scenarios]
  const ids = new Set(builtIn.map(({ id }) => id))
  const unknown = Object.entries(settings)
    .filter(([id, { path }]) => path === undefined && !ids.has(id))
    .map(([id]) => `plugins.${id}: there is no built-in plugin ${id}, and no path is given`)
  if (unknown.length > 0) throw new BootError(unknown)
  const isEnabled = (id: string): boolean => settings[id]?.enabled !== false
  return (
    builtIn
      .filter(({ id }) => isEnabled(id))
      // These stand on two others, and are nothing without them.
      .filter(({ id }) => !standOnOthers.has(id) || (isEnabled('jobs') && isEnabled('tracking')))
      .map((plugin) => ({
        plugin,
        config: settings[plugin.id]?.config,
        optional: settings[plugin.id]?.optional ?? false,
      }))
  )
}
