/** The verb that trainings begin to have agents of LangChain play: not for people. */
import { playAll } from '../../runners/harness/langchain.ts'
import { dieWithParent } from '../../runners/process/die-with-parent.ts'

/** `HEARTH_GATEWAY` is where the episodes come from. */
export const harness = async (args: readonly string[]): Promise<number> => {
  const gateway = process.env['HEARTH_GATEWAY']
  if (args[0] !== 'langchain' || !gateway) {
    process.stderr.write('hearth harness langchain: HEARTH_GATEWAY names the gateway\n')
    return 2
  }
  dieWithParent()
  await playAll(gateway)
  return 0
}
