/** What calls cost: US dollars for a million tokens, as the providers list them. */
import type { RoleSettings } from '../settings.ts'
import { bareName, type Provider } from './providers.ts'

export interface Price {
  readonly input: number
  readonly output: number
}

const listed: Readonly<Record<string, readonly [input: number, output: number]>> = {
  'gpt-3.5-turbo': [0.5, 1.5],
  'gpt-4': [30, 60],
  'gpt-4-turbo': [10, 30],
  'gpt-4.1': [2, 8],
  'gpt-4.1-mini': [0.4, 1.6],
  'gpt-4.1-nano': [0.1, 0.4],
  'gpt-4o': [2.5, 10],
  'gpt-4o-mini': [0.15, 0.6],
  'gpt-5': [1.25, 10],
  'gpt-5-mini': [0.25, 2],
  'gpt-5-nano': [0.05, 0.4],
  o3: [2, 8],
  'o3-mini': [1.1, 4.4],
  'o4-mini': [1.1, 4.4],
  'claude-3-5-haiku': [0.8, 4],
  'claude-3-5-sonnet': [3, 15],
  'claude-3-7-sonnet': [3, 15],
  'claude-haiku-4-5': [1, 5],
  'claude-opus-4': [15, 75],
  'claude-opus-4-1': [15, 75],
  'claude-opus-4-5': [5, 25],
  'claude-sonnet-4': [3, 15],
  'claude-sonnet-4-5': [3, 15],
  'gemini-2.5-flash': [0.3, 2.5],
  'gemini-2.5-flash-lite': [0.1, 0.4],
  'gemini-2.5-pro': [1.25, 10],
}

/** A date, or a word for the newest one, does not change the price. */
const version = /[-@:](\d{4,}|\d{4}-\d\d-\d\d|latest|preview)([-@:][\w-]+)?$/

/** null: nobody here knows it, so no budget of money can hold it. */
export const priceOf = (
  { model, usdPerMillion }: RoleSettings,
  provider: Provider['name'],
): Price | null => {
  if (usdPerMillion) return usdPerMillion
  if (provider === 'ollama') return { input: 0, output: 0 }
  const bare = bareName(model)
  // OpenRouter asks what the vendors ask: `openai/gpt-4.1`.
  const name = bare.slice(bare.lastIndexOf('/') + 1).toLowerCase()
  const found = listed[name] ?? listed[name.replace(version, '')]
  return found ? { input: found[0], output: found[1] } : null
}

export const costOf = (price: Price | null, inputTokens: number, outputTokens: number) =>
  price && (inputTokens * price.input + outputTokens * price.output) / 1_000_000

/** For servers that do not tell: four characters are about a token. */
export const estimatedTokens = (text: string): number => Math.ceil(text.length / 4)
