/** The verb that Python trainings play episodes in words with: not for people, so no help. */
import { createInterface } from 'node:readline'
import { scenarioOf } from '../../plugins/scenarios/catalogue.ts'
import { converse as run } from '../../plugins/scenarios/training/language/converse.ts'

export const converse = async ([id = '']: readonly string[]): Promise<number> => {
  const scenario = scenarioOf(id)
  if (!scenario) {
    process.stderr.write(`There is no scenario ${id}\n`)
    return 2
  }
  await run(scenario, createInterface({ input: process.stdin }), (line) =>
    process.stdout.write(line),
  )
  return 0
}
