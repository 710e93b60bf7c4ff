/** Whether a key is good: asked of its provider, never guessed from its looks. */
import { HearthError } from '../../../src/sdk.ts'
import type { ProviderAddresses } from './providers.ts'

export interface KeyQuestion {
  readonly provider: string
  readonly apiKey: string
}

const usualTimeoutMs = 15_000

export interface CheckedKey {
  readonly valid: true
  readonly provider: string
  /** One that the key can use; the provider's first where it names none of ours. */
  readonly model: string | null
}

/**
 * Lists the provider's models, which costs nothing.
 * @throws HearthError 401 API_KEY_INVALID, 503 TIMEOUT_ERROR when nobody can tell, `validation`
 */
export const checkKey = async (
  { provider, apiKey }: KeyQuestion,
  addresses: ProviderAddresses,
  timeoutMs = usualTimeoutMs,
): Promise<CheckedKey> => {
  const { url, headers } = requestFor(provider, apiKey, addresses)
  const reply = await fetch(url, {
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch(() => {
    throw unreachable(provider)
  })
  if (reply.status === 401 || reply.status === 403 || reply.status === 400) {
    await reply.body?.cancel()
    throw new HearthError('unauthorized', `${provider} refuses this key`, {
      reason: 'API_KEY_INVALID',
    })
  }
  if (!reply.ok) {
    await reply.body?.cancel()
    throw unreachable(provider)
  }
  const models = modelsIn(await reply.json().catch(() => null))
  return { valid: true, provider, model: preferred(provider, models) }
}

const unreachable = (provider: string): HearthError =>
  new HearthError('unavailable', `${provider} could not be asked; the key may be good`, {
    reason: 'TIMEOUT_ERROR',
  })

const requestFor = (provider: string, apiKey: string, addresses: ProviderAddresses) => {
  const bearer = { authorization: `Bearer ${apiKey}` }
  switch (provider) {
    case 'openai':
      return { url: `${addresses.openai}/models`, headers: bearer }
    case 'openrouter':
      // Its list of models is open to all; this tells whose key it is.
      return { url: `${addresses.openrouter}/key`, headers: bearer }
    case 'anthropic':
      return {
        url: `${addresses.anthropic}/models`,
        headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
      }
    case 'gemini':
    case 'google':
      return { url: `${addresses.gemini}/models`, headers: { 'x-goog-api-key': apiKey } }
    default: {
      const message = 'must be one of openai, anthropic, gemini, openrouter'
      throw new HearthError('validation', `provider: ${message}`, {
        issues: [{ path: 'body.provider', message }],
      })
    }
  }
}

const modelsIn = (body: unknown): string[] => {
  const { data, models } = (body ?? {}) as { data?: unknown; models?: unknown }
  const list = Array.isArray(data) ? data : Array.isArray(models) ? models : []
  return list.flatMap((one: { id?: unknown; name?: unknown } | null) => {
    const name = one?.id ?? one?.name
    return typeof name === 'string' ? [name.replace(/^models\//, '')] : []
  })
}

const wanted: Readonly<Record<string, readonly RegExp[]>> = {
  openai: [/^gpt-4\.1$/, /^gpt-4o$/, /^gpt-4/, /^gpt/],
  anthropic: [/sonnet/, /claude/],
  gemini: [/gemini-.*pro$/, /gemini/],
  google: [/gemini-.*pro$/, /gemini/],
}

const preferred = (provider: string, models: readonly string[]): string | null => {
  for (const pattern of wanted[provider] ?? []) {
    const found = models.find((model) => pattern.test(model))
    if (found) return found
  }
  return models[0] ?? null
}
