/** Prompts that were found, as models: a request goes upstream with the prompt before it. */
import { HearthError, type Who } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { ChatRequest, Completion } from '../gateway/completion.ts'
import { ask, type Upstream, upstreamIn } from '../gateway/upstream.ts'
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
const noneSet =
  'none is set: OPENAI_BASE_URL and OPENAI_API_KEY of the server, or openaiKey in settings'

export class PackModels {
  readonly #options: PackModelsOptions

  constructor(options: PackModelsOptions) {
    this.#options = options
  }

  /** Why prompts are not answered for this user; null: they are. */
  async silence(who: Who): Promise<string | null> {
    return (await this.#upstreamOf(who)) ? null : `It asks a language model, and ${noneSet}`
  }

  /**
   * What the client leaves out is as in the pack.
   * @throws UpstreamError; HearthError `conflict` where no language model is set
   */
  async answer(who: Who, model: Model, request: ChatRequest): Promise<Completion> {
    const { registry, catalogue } = this.#options
    const upstream = await this.#upstreamOf(who)
    if (!upstream) {
      throw new HearthError('conflict', `${model.id} asks a language model, and ${noneSet}`)
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

  async #upstreamOf({ id }: Who): Promise<Upstream | null> {
    const { settings, env } = this.#options
    const { openaiKey } = await settings.keysOf(id)
    return upstreamIn(env, openaiKey)
  }
}
