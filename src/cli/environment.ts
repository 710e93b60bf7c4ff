/** The verbs that jobs run for environments and with them: not for people, so no help tells. */
import { createInterface } from 'node:readline'
import { scenarioOf } from '../../plugins/scenarios/catalogue.ts'
import type { Definition } from '../../plugins/scenarios/outside/definition.ts'
import { describe } from '../../plugins/scenarios/outside/describe.ts'
import { scenarioFor } from '../../plugins/scenarios/outside/scenario-for.ts'
import type { TrainingSettings } from '../../plugins/scenarios/training/settings.ts'
import { serveSteps, SteppingServer } from '../../plugins/scenarios/training/stepping/serve.ts'
import { offerAuthoring } from './authoring.ts'
import { openEnvironments } from '../../runners/environment/open.ts'

export const environment = async ([what]: readonly string[]): Promise<number> => {
  if (what === 'bridge') return (await import('../../runners/environment/bridge.ts')).bridge()
  if (what === 'serve') return serve()
  if (what !== 'describe') throw new Error(`There is no verb environment ${what ?? ''}`)
  const definition = JSON.parse(process.env['HEARTH_SCENARIO'] ?? 'null') as Definition | null
  if (!definition) throw new Error('HEARTH_SCENARIO defines no scenario')
  describe(definition, openEnvironments)
  return 0
}

/** To the program that started it and learns: a pause or a stop is its affair. */
const serve = async (): Promise<number> => {
  process.on('SIGTERM', () => {})
  offerAuthoring()
  const settings = JSON.parse(process.env['HEARTH_TRAINING'] ?? 'null') as TrainingSettings | null
  if (!settings) throw new Error('HEARTH_TRAINING holds no settings')
  const parts = { find: scenarioOf, openEnvironment: openEnvironments }
  const scenario = await scenarioFor(process.env, settings.scenario, parts)
  const server = new SteppingServer(scenario, settings, '.')
  const lines = createInterface({ input: process.stdin })
  return serveSteps(server, lines, (line) => process.stdout.write(line))
}
