/** The verbs that jobs run for environments from outside: not for people, so no help tells. */
import type { Definition } from '../../plugins/scenarios/outside/definition.ts'
import { describe } from '../../plugins/scenarios/outside/describe.ts'
import { openEnvironments } from '../../runners/environment/open.ts'

export const environment = async ([what]: readonly string[]): Promise<number> => {
  if (what === 'bridge') return (await import('../../runners/environment/bridge.ts')).bridge()
  if (what !== 'describe') throw new Error(`There is no verb environment ${what ?? ''}`)
  const definition = JSON.parse(process.env['HEARTH_SCENARIO'] ?? 'null') as Definition | null
  if (!definition) throw new Error('HEARTH_SCENARIO defines no scenario')
  describe(definition, openEnvironments)
  return 0
}
