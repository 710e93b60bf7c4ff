/** Makes the new version of a running plugin ready, so that a swap loses no request. */
import { type BootOptions, definitionProblems, type Slot, usesOf } from './boot.ts'
import { configProblems, type Instance, type PluginSource, setUp } from './instance.ts'
import { BootError } from './order.ts'

/**
 * Brings the new version of a plugin up completely, beside the one that serves.
 * @throws when it cannot run; nothing has changed then
 */
export const bringUp = async (
  slots: ReadonlyMap<string, Slot>,
  source: PluginSource,
  options: BootOptions,
): Promise<Slot & { instance: Instance }> => {
  const { plugin } = source
  if (!slots.has(plugin.id)) {
    throw new BootError([`no plugin ${plugin.id} is there to be reloaded`])
  }
  const problems = [...definitionProblems(plugin), ...configProblems(source)]
  if (problems.length > 0) throw new BootError(problems)
  await options.migrate(plugin)
  const uses = usesOf(plugin, slots)
  const instance = await setUp(source, options.host, uses, options.startTimeoutMs)
  try {
    await instance.start(options.startTimeoutMs)
  } catch (error) {
    await instance.stop(0)
    throw error
  }
  return { plugin, state: 'running', instance }
}
