/** The verb `hearth shim FOLDER`: watches over one attempt. For executors, not for people. */
import type { Verb } from '../main.ts'

export const shim: Verb = async (args) => {
  const isContainer = args[0] === '--container'
  const folder = isContainer ? args[1] : args[0]
  if (!folder) {
    process.stderr.write('hearth shim: which folder?\n')
    return 2
  }
  if (isContainer) {
    return (await import('../../runners/docker/watch.ts')).watchContainer(folder)
  }
  return (await import('../../runners/shim/shim.ts')).runShim()
}
