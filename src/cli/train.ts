/** The verb that training jobs run: not for people, so no help tells of it. */
import { scenarioOf } from '../../plugins/scenarios/catalogue.ts'
import { train as run } from '../../plugins/scenarios/training/program.ts'
import { offerAuthoring } from './authoring.ts'
import { searchPrompt } from '../../plugins/scenarios/training/prompt/program.ts'
import { startHarness } from '../../runners/harness/start.ts'
import { openEnvironments } from '../../runners/environment/open.ts'
import { giveWay } from '../../runners/process/give-way.ts'

/** Of the scale of `nice`: who asks the server something goes before who only learns. */
const politeness = 10

export const train = (): Promise<number> => {
  giveWay(politeness)
  offerAuthoring()
  const find = scenarioOf
  const asked = JSON.parse(process.env['HEARTH_TRAINING'] ?? 'null') as {
    algorithm?: string
  } | null
  if (asked?.algorithm === 'prompt-opt') return searchPrompt(process.env, { find })
  return run(process.env, { find, startHarness, openEnvironment: openEnvironments })
}
