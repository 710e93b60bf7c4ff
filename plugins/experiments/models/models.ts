/** Asks language models: bounded tries, every call in the ledger, recorded replies instead. */
import type { Clock, Logger } from '../../../src/sdk.ts'
import type { RoleSettings } from '../settings.ts'
import { ModelError } from './errors.ts'
import { type Answer, generate, type Tool } from './generate.ts'
import type { Ledger } from './ledger.ts'
import { costOf } from './prices.ts'
import { type Provider, providerOf } from './providers.ts'
import type { Replay } from './replay.ts'

export interface Question {
  readonly experimentId: string
  readonly step: number
  /** `draft`, `improve`, `debug`, `fuse`, `review`, `report`. */
  readonly operator: string
  readonly role: 'code' | 'review' | 'report'
  readonly settings: RoleSettings
  readonly prompt: string
  readonly tool?: Tool
  readonly signal: AbortSignal
}

export interface Reply {
  /** Id in the ledger. */
  readonly call: string
  readonly text: string
  /** What the model handed to the tool; null when it did not use it. */
  readonly input: unknown
}

export interface ModelsOptions {
  readonly providers: readonly Provider[]
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
}

const maxTries = 5
const firstWaitMs = 1_000
const maxWaitMs = 30_000

export class Models {
  readonly #options: ModelsOptions
  /** Models that refuse a temperature, or tools: found out once. */
  readonly #refused = new Set<string>()

  constructor(options: ModelsOptions) {
    this.#options = options
  }

  get isConfigured(): boolean {
    return this.#options.providers.length > 0
  }

  defaultModel(role: Question['role']): string | null {
    const provider = this.#options.providers[0]
    if (!provider) return null
    const name = provider.defaults[role === 'code' ? 'code' : 'review']
    return provider.name === 'ollama' ? `ollama/${name}` : name
  }

  /** What a client may offer: the models of the providers that are set, then well-known ones. */
  supported(): string[] {
    const set = this.#options.providers.flatMap(({ defaults }) => Object.values(defaults))
    return [...new Set([...set, 'gpt-4', 'claude-3', 'gpt-3.5-turbo'])]
  }

  /** @throws ModelError when nobody answers, or the key is refused */
  async ask(question: Question, replay: Replay | null): Promise<Reply> {
    const recorded = replay?.next(question)
    if (recorded) return this.#keep(question, recorded, null, 0)
    const { model } = question.settings
    const provider = providerOf(this.#options.providers, model)
    if (!provider) throw new ModelError('EXECUTION_ERROR', `No provider is set for model ${model}`)
    for (let tries = 1; ; tries++) {
      const begun = performance.now()
      const answer = await generate(provider, this.#adapted(question))
      const latencyMs = performance.now() - begun
      if (answer.ok) return this.#keep(question, answer, null, latencyMs)
      if (question.signal.aborted) throw new ModelError('EXECUTION_ERROR', 'The call was cancelled')
      await this.#keep(question, nothing, answer.message, latencyMs)
      if (answer.kind === 'refuses' && !this.#refused.has(`${model}/${answer.what}`)) {
        this.#refused.add(`${model}/${answer.what}`)
        continue
      }
      if (answer.kind !== 'passing' || tries === maxTries) throw errorOf(answer, provider)
      const waitMs = Math.min(maxWaitMs, answer.waitMs ?? firstWaitMs * 2 ** (tries - 1))
      await this.#rest(waitMs, question.signal)
    }
  }

  #adapted(question: Question): Question {
    const { model, maxTokens, temperature } = question.settings
    const has = (what: string) => this.#refused.has(`${model}/${what}`)
    const { tool, ...rest } = question
    return {
      ...rest,
      ...(tool && !has('tools') && { tool }),
      settings: {
        model,
        ...(temperature !== undefined && !has('temperature') && { temperature }),
        ...(maxTokens !== undefined && { maxTokens }),
      },
    }
  }

  async #keep(
    { experimentId, step, operator, role, settings, prompt }: Question,
    answer: Pick<Answer, 'text' | 'input' | 'inputTokens' | 'outputTokens'>,
    error: string | null,
    latencyMs: number,
  ): Promise<Reply> {
    const { text, input, inputTokens, outputTokens } = answer
    const call = await this.#options.ledger.write({
      ...{ experimentId, step, operator, role, prompt, error, latencyMs },
      model: settings.model,
      reply: text,
      tool: input === null ? null : JSON.stringify(input),
      inputTokens,
      outputTokens,
      usd: costOf(settings.model, inputTokens, outputTokens),
    })
    return { call, text, input }
  }

  #rest(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, () => resolve())
      signal.addEventListener('abort', () => {
        timer.cancel()
        resolve()
      })
    })
  }
}

const nothing = { text: '', input: null, inputTokens: null, outputTokens: null } as const

const errorOf = (
  { kind, message }: { readonly kind: string; readonly message: string },
  { name }: Provider,
): ModelError => {
  if (kind === 'key')
    return new ModelError('API_KEY_INVALID', `${name} refuses the key: ${message}`)
  if (kind === 'passing')
    return new ModelError('TIMEOUT_ERROR', `${name} gives no answer: ${message}`)
  return new ModelError('EXECUTION_ERROR', `${name}: ${message}`)
}
