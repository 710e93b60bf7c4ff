/** The verb that Python trainings play episodes in words with: not for people, so no help. */
import { createInterface } from 'node:readline'
import { scenarioOf } from '../../plugins/scenarios/catalogue.ts'
import { scenarioFor } from '../../plugins/scenarios/outside/scenario-for.ts'
import { converse as run } from '../../plugins/scenarios/training/language/converse.ts'
import { offerAuthoring } from './authoring.ts'

export const converse = async ([id = '']: readonly string[]): Promise<number> => {
  offerAuthoring()
  // Meant for whoever asks here: this ends with what it reads.
  process.on('SIGTERM', () => {})
  const scenario = await scenarioFor(process.env, id, { find: scenarioOf })
  await run(scenario, createInterface({ input: process.stdin }), (line) =>
    process.stdout.write(line),
  )
  return 0
}
