/** One call by the library, and what became of it in our words. */
import type { Question } from './models.ts'
import { languageModel, type Provider } from './providers.ts'

export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON schema of what it is handed. */
  readonly schema: Readonly<Record<string, unknown>>
}

export interface Answer {
  readonly ok: true
  readonly text: string
  readonly input: unknown
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export interface NoAnswer {
  readonly ok: false
  /** `passing`: another try may help. `refuses`: without `what` it may. */
  readonly kind: 'passing' | 'refuses' | 'key' | 'wrong'
  readonly what?: 'temperature' | 'tools'
  readonly waitMs?: number
  /** No key is in it. */
  readonly message: string
}

const timeoutMs = 300_000

export const generate = async (
  provider: Provider,
  { settings, prompt, tool, signal }: Question,
): Promise<Answer | NoAnswer> => {
  const { generateText, jsonSchema, tool: toolOf } = await import('ai')
  try {
    const reply = await generateText({
      model: await languageModel(provider, settings.model),
      // One message of the user: some templates of local models know no system message.
      messages: [{ role: 'user', content: prompt }],
      maxRetries: 0,
      abortSignal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      ...(typeof settings.temperature === 'number' && { temperature: settings.temperature }),
      ...(settings.maxTokens !== undefined && { maxOutputTokens: settings.maxTokens }),
      ...(tool && {
        tools: {
          [tool.name]: toolOf({
            description: tool.description,
            inputSchema: jsonSchema(tool.schema),
          }),
        },
        toolChoice: { type: 'tool' as const, toolName: tool.name },
      }),
    })
    const used = reply.toolCalls.find(({ toolName }) => toolName === tool?.name)
    return {
      ok: true,
      text: reply.text,
      input: used?.input ?? null,
      inputTokens: reply.usage.inputTokens ?? null,
      outputTokens: reply.usage.outputTokens ?? null,
    }
  } catch (error) {
    return wordsInstead(error) ?? noAnswer(error, provider)
  }
}

/** A model that was to use the tool and answered in words has answered; what it took is unknown. */
const wordsInstead = (error: unknown): Answer | null => {
  const { name, content } = error as {
    readonly name?: unknown
    readonly content?: readonly { readonly type: string; readonly text?: string }[]
  }
  if (name !== 'AI_ToolChoiceViolationError' || !Array.isArray(content)) return null
  const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return { ok: true, text, input: null, inputTokens: null, outputTokens: null }
}

interface CallError {
  readonly statusCode?: number
  readonly responseHeaders?: Record<string, string>
  readonly responseBody?: string
  readonly message?: string
  readonly isRetryable?: boolean
}

const noAnswer = (error: unknown, { apiKey }: Provider): NoAnswer => {
  const { statusCode, responseHeaders, responseBody, message = 'no answer' } = error as CallError
  const said = clean(messageIn(responseBody) ?? message, apiKey)
  if (statusCode === undefined) return { ok: false, kind: 'passing', message: said }
  if (statusCode === 401 || statusCode === 403) return { ok: false, kind: 'key', message: said }
  if (statusCode === 429 || statusCode === 408 || statusCode >= 500) {
    const seconds = Number(responseHeaders?.['retry-after'])
    const wait = Number.isFinite(seconds) && seconds > 0 ? { waitMs: seconds * 1000 } : {}
    return { ok: false, kind: 'passing', message: `${statusCode} ${said}`, ...wait }
  }
  if (/temperature/i.test(said)) {
    return { ok: false, kind: 'refuses', what: 'temperature', message: said }
  }
  if (/tool|function/i.test(said)) {
    return { ok: false, kind: 'refuses', what: 'tools', message: said }
  }
  return { ok: false, kind: 'wrong', message: `${statusCode} ${said}` }
}

const messageIn = (body: string | undefined): string | undefined => {
  try {
    const { error, message } = JSON.parse(body ?? '') as {
      error?: { message?: unknown } | string
      message?: unknown
    }
    const found = typeof error === 'string' ? error : (error?.message ?? message)
    return typeof found === 'string' ? found : undefined
  } catch {
    return undefined
  }
}

/** Providers repeat parts of keys in their errors. */
const clean = (text: string, apiKey: string): string =>
  (apiKey.length >= 8 ? text.replaceAll(apiKey, '…') : text)
    .replace(/\b(sk|key)-[\w-]{6,}/g, '…')
    .slice(0, 500)
