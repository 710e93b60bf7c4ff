/** The library's handle on a model; each provider's part is loaded when it is first asked. */
import type { LanguageModel } from 'ai'
import { bareName, type Provider } from './providers.ts'

export const languageModel = async (provider: Provider, model: string): Promise<LanguageModel> => {
  const { baseUrl: baseURL, apiKey, name } = provider
  const common = { baseURL, apiKey, fetch: ownFetch }
  if (name === 'anthropic') {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    return createAnthropic(common)(model)
  }
  if (name === 'gemini') {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google')
    return createGoogleGenerativeAI(common)(model)
  }
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  return createOpenAICompatible({
    ...common,
    // Servers of one's own often want none, but some refuse a request without.
    apiKey: apiKey || 'none',
    name,
    ...(limitsCompletion.test(model) && { transformRequestBody: withCompletionLimit }),
  })(bareName(model))
}

/**
 * A key is for the address that was set, wherever that one may send us. How long a call may take is
 * up to who makes it: the runtime's own limit is shorter.
 */
const ownFetch = Object.assign(
  (input: Parameters<typeof fetch>[0], init?: BunFetchRequestInit) =>
    fetch(input, { ...init, redirect: 'error', timeout: false }),
  { preconnect: fetch.preconnect },
)

/** OpenAI's newer models know the limit of a reply by another name. */
const limitsCompletion = /^(o\d|gpt-[5-9])/i

const withCompletionLimit = ({ max_tokens: limit, ...body }: Record<string, unknown>) =>
  limit === undefined ? body : { ...body, max_completion_tokens: limit }
