/** Who answers to a name: a trained policy, a scripted player, or a language model upstream. */
import { HearthError, type Who } from '../../../src/sdk.ts'
import type { Scenario } from '../environment.ts'
import type { Registry } from '../models/registry.ts'
import type { ServedModels } from '../serving/served.ts'
import type { PackModels } from '../serving/packs.ts'
import type { SettingsStore } from '../settings.ts'
import { type ChatModel, isScripted, policyModel, scriptedModel } from './chat-model.ts'
import { upstreamIn, upstreamModel } from './upstream.ts'

export interface NamedModelsOptions {
  readonly registry: Registry
  readonly served: ServedModels
  readonly settings: SettingsStore
  readonly packs: PackModels
  readonly env: Readonly<Record<string, string | undefined>>
}

/** @throws HearthError where nobody of that name can play the scenario */
export const namedModels =
  ({ registry, served, settings, packs, env }: NamedModelsOptions) =>
  async (who: Who, { spec }: Scenario, name: string): Promise<ChatModel> => {
    if (isScripted(name)) {
      if (name === 'random' || (spec.scripted ?? [name]).includes(name)) return scriptedModel(name)
      throw new HearthError('conflict', `${spec.id} has no ${name}`)
    }
    const trained = await registry.acting(who, name).catch((error: unknown) => {
      if (!(error instanceof HearthError) || isTrained(name)) throw error
      return null
    })
    if (trained) {
      const { scenario } = trained
      if (scenario !== spec.id) {
        const whose = scenario === '' ? 'no scenario' : scenario
        throw new HearthError('conflict', `${name} is a model of ${whose}, not of ${spec.id}`)
      }
      if (trained.kind === 'prompt') {
        return {
          answer: async (asked) => ({ completion: await packs.answer(who, trained, asked) }),
        }
      }
      const { logits } = await served.of(trained)
      return policyModel(logits)
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

/** As the registry names those of trainings: nobody else's are. */
const isTrained = (name: string): boolean => /^model_/.test(name)
