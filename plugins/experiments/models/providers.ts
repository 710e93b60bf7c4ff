/** Where language models are, by the ecosystem's names of settings; loaded when one is asked. */
import type { LanguageModel } from 'ai'

export interface Provider {
  readonly name: 'openai' | 'anthropic' | 'gemini' | 'openrouter' | 'ollama'
  readonly baseUrl: string
  readonly apiKey: string
  /** What is asked when nobody names a model. */
  readonly defaults: { readonly code: string; readonly review: string }
}

type Env = Readonly<Record<string, string | undefined>>

const trimmed = (url: string): string => url.replace(/\/+$/, '')

/** Those that have a key, or an address of their own; the first is asked by default. */
export const providersIn = (env: Env): readonly Provider[] => {
  const providers: Provider[] = []
  const openAiKey = env['OPENAI_API_KEY']
  const openAiUrl = env['OPENAI_BASE_URL']
  if (openAiKey || openAiUrl) {
    providers.push({
      name: 'openai',
      baseUrl: trimmed(openAiUrl || 'https://api.openai.com/v1'),
      // Servers of one's own often want none, but the protocol has a place for one.
      apiKey: openAiKey || 'none',
      defaults: { code: 'gpt-4.1', review: 'gpt-4.1-mini' },
    })
  }
  const anthropicKey = env['ANTHROPIC_API_KEY']
  if (anthropicKey) {
    providers.push({
      name: 'anthropic',
      baseUrl: trimmed(env['ANTHROPIC_BASE_URL'] || 'https://api.anthropic.com/v1'),
      apiKey: anthropicKey,
      defaults: { code: 'claude-sonnet-4-5', review: 'claude-haiku-4-5' },
    })
  }
  const geminiKey = env['GEMINI_API_KEY'] || env['GOOGLE_API_KEY']
  if (geminiKey) {
    providers.push({
      name: 'gemini',
      baseUrl: trimmed(
        env['GEMINI_BASE_URL'] || 'https://generativelanguage.googleapis.com/v1beta',
      ),
      apiKey: geminiKey,
      defaults: { code: 'gemini-2.5-pro', review: 'gemini-2.5-flash' },
    })
  }
  const openRouterKey = env['OPENROUTER_API_KEY']
  if (openRouterKey) {
    providers.push({
      name: 'openrouter',
      baseUrl: trimmed(env['OPENROUTER_BASE_URL'] || 'https://openrouter.ai/api/v1'),
      apiKey: openRouterKey,
      defaults: { code: 'openai/gpt-4.1', review: 'openai/gpt-4.1-mini' },
    })
  }
  const ollama = env['OLLAMA_HOST']
  if (ollama) {
    const host = /^https?:\/\//.test(ollama) ? ollama : `http://${ollama}`
    providers.push({
      name: 'ollama',
      baseUrl: `${trimmed(host)}/v1`,
      apiKey: 'ollama',
      defaults: { code: 'llama3.1', review: 'llama3.1' },
    })
  }
  return providers
}

const prefixes: readonly (readonly [RegExp, Provider['name']])[] = [
  [/^claude/i, 'anthropic'],
  [/^gemini/i, 'gemini'],
  [/^ollama\//i, 'ollama'],
  [/^(gpt-|o\d|chatgpt|codex)/i, 'openai'],
]

/** Whose a model is by its name; a name that nobody knows goes to a server of one's own first. */
export const providerOf = (providers: readonly Provider[], model: string): Provider | null => {
  const known = prefixes.find(([pattern]) => pattern.test(model))?.[1]
  const named = providers.find(({ name }) => name === known)
  if (named) return named
  for (const name of ['openai', 'ollama', 'openrouter'] as const) {
    const found = providers.find((one) => one.name === name)
    if (found) return found
  }
  return null
}

/** The library's handle on a model. */
export const languageModel = async (provider: Provider, model: string): Promise<LanguageModel> => {
  const { baseUrl: baseURL, apiKey, name } = provider
  if (name === 'anthropic') {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    return createAnthropic({ baseURL, apiKey })(model)
  }
  if (name === 'gemini') {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google')
    return createGoogleGenerativeAI({ baseURL, apiKey })(model)
  }
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  return createOpenAICompatible({ name, baseURL, apiKey })(model.replace(/^ollama\//i, ''))
}
