/** A trained model plays an episode: by its layers, or by its network where it has no others. */
import { HearthError, type Who } from '../../../src/sdk.ts'
import type { Scenario, Split } from '../environment.ts'
import { choose } from '../models/choice.ts'
import { modelPaths } from '../models/manifest.ts'
import type { Registry } from '../models/registry.ts'
import type { ServedModels } from '../serving/served.ts'
import { play, type Played, playWith } from './play.ts'

export interface ModelPlayerOptions {
  readonly registry: Registry
  readonly served: ServedModels
}

/** @throws HearthError `not_found`; `conflict`: why the model cannot play it */
export const playModel = async (
  { registry, served }: ModelPlayerOptions,
  who: Who,
  modelId: string,
  scenario: Scenario,
  split: Split,
  episode: number,
): Promise<Played> => {
  const { spec } = scenario
  const model = await registry.get(who, modelId)
  if (model.kind !== 'policy') {
    throw new HearthError('conflict', `A model of kind ${model.kind} does not act by numbers`)
  }
  if (model.scenario !== spec.id) {
    const whose = model.scenario === '' ? 'no scenario' : model.scenario
    throw new HearthError('conflict', `The model is of ${whose}, not of ${spec.id}`)
  }
  const files = await registry.filesOf(model)
  // The server's own arithmetic plays the same episode on every machine.
  if (files.some(({ path }) => path === modelPaths.policy)) {
    return play(scenario, await registry.policy(model), split, episode)
  }
  const { logits } = await served.of(model)
  const all = new Uint8Array(spec.actions.length).fill(1)
  return playWith(
    scenario,
    async ({ observation, environment }) =>
      choose(await logits(observation), environment.mask() ?? all, spec.actions).action,
    split,
    episode,
  )
}
