/** The verb `hearth shim FOLDER`: watches over one attempt. For the executor, not for people. */
import { runShim } from '../../runners/shim/shim.ts'
import type { Verb } from '../main.ts'

export const shim: Verb = async ([folder]) => {
  if (!folder) {
    process.stderr.write('hearth shim: which folder?\n')
    return 2
  }
  return runShim(folder)
}
