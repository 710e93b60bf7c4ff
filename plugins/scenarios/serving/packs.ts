/** Prompts that were found, as models: a request goes upstream with the prompt before it. */
import { HearthError, type Who } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { ChatRequest, Completion } from '../gateway/completion.ts'
import { ask, upstreamIn } from '../gateway/upstream.ts'
import type { Model } from '../models/model-rows.ts'
import type { Registry } from '../models/registry.ts'
import type { SettingsStore } from '../settings.ts'
import { type PromptPack, promptPackPath, withPack } from '../training/prompt/pack.ts'

export interface PackModelsOptions {
  readonly registry: Registry
  readonly catalogue: Catalogue
  readonly settings: SettingsStore
  readonly env: Readonly<Record<string, string | undefined>>
}

const answerMs = 120_000

export class PackModels {
  readonly #options: PackModelsOptions

  constructor(options: PackModelsOptions) {
    this.#options = options
  }

  /**
   * What the client leaves out is as in the pack.
   * @throws UpstreamError; HearthError `conflict` where no language model is set
   */
  async answer(who: Who, model: Model, request: ChatRequest): Promise<Completion> {
    const { registry, catalogue, settings, env } = this.#options
    const { openaiKey } = await settings.keysOf(who.id)
    const upstream = upstreamIn(env, openaiKey)
    if (!upstream) {
      const set = 'OPENAI_BASE_URL and OPENAI_API_KEY of the server, or openaiKey in settings'
      throw new HearthError(
        'conflict',
        `${model.id} asks a language model, and none is set: ${set}`,
      )
    }
    const text = await new Response(await registry.file(model, promptPackPath)).text()
    const pack = JSON.parse(text) as PromptPack
    const system = catalogue.find(model.scenario)?.conversation?.system
    const whole = {
      max_tokens: pack.maxTokens,
      temperature: 0,
      tools: pack.tools,
      ...request,
      messages: withPack(pack, request.messages, system),
    }
    const answer = await ask(upstream, pack.model, whole as ChatRequest, answerMs)
    return { ...answer, model: model.id }
  }
}
