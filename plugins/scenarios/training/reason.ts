/** Why a job failed, in the words of whoever knows. */
import type { Jobs, JobView, Who } from '../../../src/sdk.ts'

/** Of the end of a log. */
const lastBytes = 8192

/** What the node says of the end, or the last that the program said. */
export const reasonOf = async (
  { bytes }: Jobs,
  owner: Who,
  { id, outcome }: JobView,
): Promise<string> => {
  if (outcome?.message) return outcome.message
  const end = await bytes.size(owner, id, 'log')
  const tail = await bytes.read(owner, id, 'log', { start: Math.max(0, end - lastBytes), end })
  const said = new TextDecoder().decode(tail).trim().split('\n').at(-1)
  return said?.replace(/^hearth: /, '') || `The program ended with ${outcome?.exit_code}`
}
