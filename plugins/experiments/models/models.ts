/** Asks language models: bounded tries, every call in the ledger, recorded replies first. */
import type { Clock, Logger } from '../../../src/sdk.ts'
import type { RoleSettings } from '../settings.ts'
import { ModelError, OutOfTimeError } from './errors.ts'
import { type Answer, type Call, generate, type Tool } from './generate.ts'
import type { Ledger } from './ledger.ts'
import { type NoAnswer, waitMsOf } from './no-answer.ts'
import { costOf, estimatedTokens, priceOf } from './prices.ts'
import { type Provider, providerOf } from './providers.ts'
import type { Recording } from './replay.ts'
import { type Redact, redactor } from './secrets.ts'

export interface Question {
  readonly experimentId: string
  readonly step: number
  /** `draft`, `improve`, `debug`, `fuse`, `review`, `report`. */
  readonly operator: string
  readonly role: 'code' | 'review' | 'report'
  readonly settings: RoleSettings
  readonly prompt: string
  readonly tool?: Tool
  /** Milliseconds since the epoch, when the time for it is up; null: it has all there is. */
  readonly until: number | null
  readonly signal: AbortSignal
}

export interface Reply {
  /** Id in the ledger. */
  readonly call: string
  /** Who gave it. */
  readonly model: string
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

/** A server that is busy is there, and has time again within minutes. */
const maxTries: Readonly<Record<NoAnswer['kind'], number>> = {
  busy: 10,
  passing: 5,
  slow: 2,
  refuses: 1,
  key: 1,
  wrong: 1,
}
const firstWaitMs = 1_000
const maxWaitMs = 60_000
/** Of one call: models on one's own machine take their time. */
const timeoutMs = 600_000

export class Models {
  readonly #options: ModelsOptions
  readonly #redact: Redact
  /** Models that refuse a temperature, or tools: found out once. */
  readonly #refused = new Set<string>()

  constructor(options: ModelsOptions) {
    this.#options = options
    this.#redact = redactor(options.providers.map(({ apiKey }) => apiKey))
  }

  get isConfigured(): boolean {
    return this.#options.providers.length > 0
  }

  defaultModel(role: Question['role']): string | null {
    return this.#options.providers[0]?.defaults[role === 'code' ? 'code' : 'review'] ?? null
  }

  /** Who is asked for a model; null when nobody that is set has it. */
  providerOf(model: string): Provider | null {
    return providerOf(this.#options.providers, model)
  }

  /** What a client may offer: the models of the providers that are set, then well-known ones. */
  supported(): string[] {
    const set = this.#options.providers.flatMap(({ defaults }) => Object.values(defaults))
    return [...new Set([...set, 'gpt-4', 'claude-3', 'gpt-3.5-turbo'])]
  }

  /** For a question's `until`. */
  timeIn(seconds: number | null): number | null {
    return seconds === null ? null : this.#options.clock.now() + seconds * 1000
  }

  /** @throws ModelError when nobody answers, or the key is refused; OutOfTimeError */
  async ask(asked: Question, recording: Recording | null): Promise<Reply> {
    const question = { ...asked, prompt: this.#redact(asked.prompt) }
    const recorded = recording?.next(question)
    if (recorded) {
      // Its own reply is in the ledger already.
      if (recording?.kind === 'unused') return recorded
      return this.#write(question, { ...recorded, error: null, latencyMs: 0 })
    }
    if (recording?.kind === 'whole') {
      const { operator, step } = question
      throw new ModelError(
        'EXECUTION_ERROR',
        `The recording has no reply left to “${operator}” of step ${step}`,
      )
    }
    const provider = this.providerOf(question.settings.model)
    if (provider) return this.#askProvider(provider, question)
    throw new ModelError('EXECUTION_ERROR', `No provider is set for ${question.settings.model}`)
  }

  async #askProvider(provider: Provider, question: Question): Promise<Reply> {
    const { log, clock } = this.#options
    const { model } = question.settings
    const leftMs = () => (question.until ?? Infinity) - clock.now()
    for (let tries = 1; leftMs() > 0; tries++) {
      const call = this.#callOf(provider, question)
      const begun = performance.now()
      const answer = await this.#timed(call, Math.min(timeoutMs, leftMs()))
      const latencyMs = performance.now() - begun
      if (answer.ok) return this.#keep(provider, question, answer, latencyMs)
      const error = this.#redact(answer.message)
      await this.#write(question, { ...nothing, model, error, latencyMs })
      if (question.signal.aborted) throw new ModelError('EXECUTION_ERROR', 'The call was cancelled')
      if (wasSent(call, answer)) {
        this.#refused.add(`${model}/${answer.what}`)
        continue
      }
      if (tries >= maxTries[answer.kind]) {
        throw errorOf({ ...answer, message: error }, provider)
      }
      const waitMs = waitMsOf(answer.retryAfter, clock.now()) ?? firstWaitMs * 2 ** (tries - 1)
      log.warn('A language model gave no answer', { model, tries, error })
      const restMs = Math.min(maxWaitMs, waitMs, leftMs())
      if (restMs > 0) await this.#rest(restMs, question.signal)
    }
    throw new OutOfTimeError()
  }

  /** Without what the model is known to refuse. */
  #callOf(provider: Provider, { settings, prompt, tool, signal }: Question): Call {
    const { temperature, ...rest } = settings
    const refuses = (what: string) => this.#refused.has(`${settings.model}/${what}`)
    return {
      provider,
      prompt,
      signal,
      settings: { ...rest, temperature: refuses('temperature') ? null : (temperature ?? null) },
      ...(tool && !refuses('tools') && { tool }),
    }
  }

  async #timed(call: Call, limitMs: number): Promise<Answer | NoAnswer> {
    const limit = new AbortController()
    const timer = this.#options.clock.after(limitMs, () => limit.abort())
    const signal = AbortSignal.any([call.signal, limit.signal])
    const answer = await generate({ ...call, signal }).finally(() => timer.cancel())
    if (answer.ok || !signal.aborted) return answer
    const message = call.signal.aborted
      ? 'cancelled'
      : `none within ${Math.round(limitMs / 1000)} seconds`
    return { ok: false, kind: 'slow', message }
  }

  #keep(provider: Provider, question: Question, answer: Answer, latencyMs: number): Promise<Reply> {
    const { model } = question.settings
    const text = this.#redact(answer.text)
    const json = this.#redact(JSON.stringify(answer.input))
    const input: unknown = JSON.parse(json)
    const inputTokens = answer.inputTokens ?? estimatedTokens(question.prompt)
    const outputTokens =
      answer.outputTokens ?? estimatedTokens(text) + (input === null ? 0 : estimatedTokens(json))
    const usd = costOf(priceOf(question.settings, provider.name), inputTokens, outputTokens)
    const counted = { inputTokens, outputTokens, usd }
    return this.#write(question, { model, text, input, ...counted, error: null, latencyMs })
  }

  async #write(
    { experimentId, step, operator, role, prompt }: Question,
    { text, input, ...entry }: Entry,
  ): Promise<Reply> {
    const { model, inputTokens, outputTokens, usd, error, latencyMs } = entry
    const call = await this.#options.ledger.write({
      ...{ experimentId, step, operator, role, model, prompt, error, latencyMs },
      reply: text,
      tool: input === null ? null : JSON.stringify(input),
      ...{ inputTokens, outputTokens, usd },
    })
    return { call, model, text, input }
  }

  #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    const timer = this.#options.clock.after(ms, wake)
    signal.addEventListener('abort', wake)
    return promise.finally(() => {
      timer.cancel()
      signal.removeEventListener('abort', wake)
    })
  }
}

interface Entry {
  readonly model: string
  readonly text: string
  readonly input: unknown
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly usd: number | null
  readonly error: string | null
  readonly latencyMs: number
}

const nothing = {
  text: '',
  input: null,
  inputTokens: null,
  outputTokens: null,
  usd: null,
} as const

/** Of two calls at once the later one learns nothing new, but may be asked again all the same. */
const wasSent = ({ settings, tool }: Call, { kind, what }: NoAnswer): boolean =>
  kind === 'refuses' && (what === 'tools' ? tool !== undefined : settings.temperature !== null)

const errorOf = ({ kind, message }: NoAnswer, { name }: Provider): ModelError => {
  if (kind === 'key') {
    return new ModelError('API_KEY_INVALID', `${name} refuses the key: ${message}`)
  }
  if (kind === 'passing' || kind === 'busy' || kind === 'slow') {
    return new ModelError('TIMEOUT_ERROR', `${name} gives no answer: ${message}`)
  }
  return new ModelError('EXECUTION_ERROR', `${name}: ${message}`)
}
