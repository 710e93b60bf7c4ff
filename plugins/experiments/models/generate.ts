/** One call by the library, and what became of it in our words. */
import type { LanguageModelUsage } from 'ai'
import type { RoleSettings } from '../settings.ts'
import { languageModel } from './language-model.ts'
import { type NoAnswer, noAnswer } from './no-answer.ts'
import type { Provider } from './providers.ts'

export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON schema of what it is handed. */
  readonly schema: Readonly<Record<string, unknown>>
}

export interface Call {
  readonly provider: Provider
  readonly settings: RoleSettings
  readonly prompt: string
  readonly tool?: Tool
  readonly signal: AbortSignal
}

export interface Answer {
  readonly ok: true
  readonly text: string
  /** What the tool was handed: a text where it is no JSON, null where the tool was not used. */
  readonly input: unknown
  /** null: the server does not tell. */
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export const generate = async ({
  provider,
  settings: { model, temperature, maxTokens },
  prompt,
  tool,
  signal,
}: Call): Promise<Answer | NoAnswer> => {
  const { generateText, jsonSchema, tool: toolOf } = await import('ai')
  // Otherwise the library warns on the standard error, of settings that a model ignores.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  let usage: LanguageModelUsage | undefined
  const tokens = () => ({
    inputTokens: usage?.inputTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
  })
  try {
    const reply = await generateText({
      model: await languageModel(provider, model),
      // One message of the user: some templates of local models know no system message.
      messages: [{ role: 'user', content: prompt }],
      maxRetries: 0,
      abortSignal: signal,
      onLanguageModelCallEnd: (end) => {
        usage = end.usage
      },
      ...(typeof temperature === 'number' && { temperature }),
      ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
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
    return { ok: true, text: reply.text, input: used?.input ?? null, ...tokens() }
  } catch (error) {
    const words = wordsInstead(error)
    return words === null ? noAnswer(error) : { ok: true, text: words, input: null, ...tokens() }
  }
}

/** A model that was to use the tool and answered in words has answered. */
const wordsInstead = (error: unknown): string | null => {
  const { name, content } = error as {
    readonly name?: unknown
    readonly content?: readonly { readonly type: string; readonly text?: string }[]
  }
  if (name !== 'AI_ToolChoiceViolationError' || !Array.isArray(content)) return null
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
