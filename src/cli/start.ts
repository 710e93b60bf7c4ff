/** `hearth start`: serves until it is told to stop. */
import { parseArgs } from 'node:util'
import type { JobsOptions } from '../jobs/index.ts'
import { readSettings } from '../kernel/config.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { discoverPlugins, loadExternal } from '../kernel/loader.ts'
import { standardLogger } from '../kernel/log.ts'
import { startServer } from '../kernel/server.ts'
import { watchPlugins } from '../kernel/watch.ts'
import { offerAuthoring } from './authoring.ts'
import { builtInSources } from './built-in.ts'
import { startOwnAgent } from './own-agent.ts'

export const start = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' } } })
  const settings = readSettings(process.env, values.config)
  const log = standardLogger(settings.LOG_LEVEL)
  // Heard from here on: who is told to stop while it starts stops cleanly right after.
  const told = untilSignal()
  offerAuthoring()
  const plugins = settings.file.plugins ?? {}
  const found = discoverPlugins('.')
  const external = await loadExternal(found, plugins, log)
  const known = Object.fromEntries(
    Object.entries(plugins).filter(
      ([id]) => !external.some(({ source }) => source.plugin.id === id),
    ),
  )
  let kernel: Kernel | undefined
  const jobs: JobsOptions = {
    dataDir: settings.DATA_DIR,
    runners: () => runnersOf(kernel),
    shared: settings.REDIS_URL !== undefined,
  }
  const sources = [...builtInSources(known, jobs), ...external.map(({ source }) => source)]
  const server = await startServer(settings, sources, log)
  kernel = server.kernel
  const unwatch = watchPlugins(external, plugins, server.kernel, log)
  const ownAgent = await startOwnAgent({
    kernel: server.kernel,
    dataDir: settings.DATA_DIR,
    slots: settings.LOCAL_SLOTS ?? settings.file.jobs?.localSlots,
    log,
  })
  process.stdout.write(`listening on ${server.url}\n`)
  const signal = await told
  log.info(`${signal}: draining`)
  unwatch()
  await ownAgent?.stop()
  await server.stop()
  log.info('stopped')
  return 0
}

/** The kinds of jobs that plugins bring; read at each submission, for plugins are reloaded. */
const runnersOf = (kernel: Kernel | undefined) =>
  new Map([...(kernel?.assembly().runners ?? [])].map(([kind, { runner }]) => [kind, runner]))

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
const untilSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      let seen = false
      process.on(signal, () => {
        if (seen) process.exit(130)
        seen = true
        resolve(signal)
      })
    }
  })
