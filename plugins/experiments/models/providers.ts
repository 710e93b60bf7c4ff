/** Where language models are, by the ecosystem's names of settings. */

export interface Provider {
  readonly name: 'openai' | 'anthropic' | 'gemini' | 'openrouter' | 'ollama'
  readonly baseUrl: string
  /** Empty: it wants none. */
  readonly apiKey: string
  /** A server of one's own, whose models may have any name. */
  readonly isOwn: boolean
  /** What is asked when nobody names a model. */
  readonly defaults: { readonly code: string; readonly review: string }
}

type Env = Readonly<Record<string, string | undefined>>

export interface ProviderAddresses {
  readonly openai: string
  readonly anthropic: string
  readonly gemini: string
  readonly openrouter: string
}

const publicAddresses: ProviderAddresses = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  gemini: 'https://generativelanguage.googleapis.com/v1beta',
  openrouter: 'https://openrouter.ai/api/v1',
}

/** Keys that were read from files often end with a line break. */
const trimmed = (text: string | undefined): string => (text ?? '').trim()

const address = (url: string | undefined, otherwise: string): string =>
  (trimmed(url) || otherwise).replace(/\/+$/, '')

export const addressesIn = (env: Env): ProviderAddresses => ({
  openai: address(env['OPENAI_BASE_URL'], publicAddresses.openai),
  anthropic: address(env['ANTHROPIC_BASE_URL'], publicAddresses.anthropic),
  gemini: address(env['GEMINI_BASE_URL'], publicAddresses.gemini),
  openrouter: address(env['OPENROUTER_BASE_URL'], publicAddresses.openrouter),
})

/** Those that have a key, or an address of their own; the first is asked by default. */
export const providersIn = (env: Env): readonly Provider[] => {
  const addresses = addressesIn(env)
  const all: readonly Provider[] = [
    {
      name: 'openai',
      baseUrl: addresses.openai,
      apiKey: trimmed(env['OPENAI_API_KEY']),
      isOwn: addresses.openai !== publicAddresses.openai,
      defaults: { code: 'gpt-4.1', review: 'gpt-4.1-mini' },
    },
    {
      name: 'anthropic',
      baseUrl: addresses.anthropic,
      apiKey: trimmed(env['ANTHROPIC_API_KEY']),
      isOwn: false,
      defaults: { code: 'claude-sonnet-4-5', review: 'claude-haiku-4-5' },
    },
    {
      name: 'gemini',
      baseUrl: addresses.gemini,
      apiKey: trimmed(env['GEMINI_API_KEY']) || trimmed(env['GOOGLE_API_KEY']),
      isOwn: false,
      defaults: { code: 'gemini-2.5-pro', review: 'gemini-2.5-flash' },
    },
    {
      name: 'openrouter',
      baseUrl: addresses.openrouter,
      apiKey: trimmed(env['OPENROUTER_API_KEY']),
      isOwn: false,
      defaults: { code: 'openai/gpt-4.1', review: 'openai/gpt-4.1-mini' },
    },
    ...ollamaAt(trimmed(env['OLLAMA_HOST'])),
  ]
  return all.filter(({ apiKey, isOwn }) => apiKey !== '' || isOwn)
}

/** `OLLAMA_HOST` as its own command line reads it: a port alone, or a host without one. */
const ollamaAt = (host: string): Provider[] => {
  if (host === '') return []
  const named = /^:?\d+$/.test(host) ? `127.0.0.1:${host.replace(':', '')}` : host
  const hasPort = /:\d+\/*$/.test(named)
  const url = /^https?:\/\//.test(named) ? named : `http://${named}${hasPort ? '' : ':11434'}`
  const defaults = { code: 'ollama/llama3.1', review: 'ollama/llama3.1' }
  return [{ name: 'ollama', baseUrl: `${address(url, '')}/v1`, apiKey: '', isOwn: true, defaults }]
}

const prefixes: readonly (readonly [RegExp, Provider['name']])[] = [
  [/^claude/i, 'anthropic'],
  [/^gemini/i, 'gemini'],
  [/^ollama\//i, 'ollama'],
  [/^openrouter\//i, 'openrouter'],
  [/^(gpt-|o\d|chatgpt|codex)/i, 'openai'],
]

/**
 * Whose a model is by its name. A name that tells nothing goes to a server of one's own, then to
 * OpenRouter, whose names are `vendor/model`, and `null` means that nobody who is set has it.
 */
export const providerOf = (providers: readonly Provider[], model: string): Provider | null => {
  const find = (name: Provider['name']) => providers.find((one) => one.name === name) ?? null
  const known = prefixes.find(([pattern]) => pattern.test(model))?.[1]
  const named = known ? find(known) : null
  if (named || known === 'ollama' || known === 'openrouter') return named
  const own = providers.find(({ isOwn }) => isOwn) ?? find('openrouter')
  return own ?? (known === undefined ? find('openai') : null)
}

/** The name by which the provider itself knows it. */
export const bareName = (model: string): string => model.replace(/^(ollama|openrouter)\//i, '')
