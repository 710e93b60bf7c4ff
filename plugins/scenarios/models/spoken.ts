/** Whom chat answers for: policies of scenarios in which something is said. */
import type { Catalogue } from '../catalogue.ts'
import type { Conversation, Scenario } from '../environment.ts'
import type { Model } from './model-rows.ts'

export type SpokenScenario = Scenario & { readonly conversation: Conversation }

/** The scenario in whose words a model answers, or why it does not. Prompts answer otherwise. */
export const spokenBy = (
  catalogue: Catalogue,
  { id, kind, scenario: name }: Model,
): SpokenScenario | string => {
  if (kind === 'adapter') {
    const instead = 'take it away (format=lora) to a server of language models'
    return `An adapter answers on top of its base only: ${instead}`
  }
  if (name === '') return `The model has no scenario to talk about: use /api/models/${id}/act`
  const scenario = catalogue.find(name)
  if (scenario && isSpoken(scenario)) return scenario
  return `Nothing is said in ${name}: use /api/models/${id}/act`
}

const isSpoken = (scenario: Scenario): scenario is SpokenScenario => scenario.conversation !== null
