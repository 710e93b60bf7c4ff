/** Who answers to a name: a trained policy, a scripted player, or a language model upstream. */
import { HearthError, type Who } from '../../../src/sdk.ts'
import type { Scenario } from '../environment.ts'
import type { Registry } from '../registry.ts'
import type { SettingsStore } from '../settings.ts'
import { type ChatModel, isScripted, policyModel, scriptedModel } from './chat-model.ts'
import { upstreamIn, upstreamModel } from './upstream.ts'

export interface NamedModelsOptions {
  readonly registry: Registry
  readonly settings: SettingsStore
  readonly env: Readonly<Record<string, string | undefined>>
}

/** @throws HearthError where nobody of that name can play the scenario */
export const namedModels =
  ({ registry, settings, env }: NamedModelsOptions) =>
  async (who: Who, { spec }: Scenario, name: string): Promise<ChatModel> => {
    if (isScripted(name)) {
      if (name === 'random' || (spec.scripted ?? [name]).includes(name)) return scriptedModel(name)
      throw new HearthError('conflict', `${spec.id} has no ${name}`)
    }
    if (isTrained(name)) {
      const model = await registry.get(who, name)
      if (model.scenario === spec.id) return policyModel(await registry.policy(model))
      throw new HearthError(
        'conflict',
        `${name} is a model of ${model.scenario}, not of ${spec.id}`,
      )
    }
    const { openaiKey } = await settings.keysOf(who.id)
    const upstream = upstreamIn(env, openaiKey)
    if (upstream) return upstreamModel(upstream, name)
    throw new HearthError(
      'conflict',
      `${name} is no trained model and no player (random, heuristic, oracle), and no language ` +
        'model is set: OPENAI_BASE_URL and OPENAI_API_KEY of the server, or openaiKey in settings',
    )
  }

/** As the registry names them. */
const isTrained = (name: string): boolean => /^model_\d+_\d+$/.test(name)
