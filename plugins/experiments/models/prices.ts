/** What calls cost: US dollars for a million tokens, as the providers list them. */

/** Input, output. Names are matched from their beginning; the longest one counts. */
const prices: Readonly<Record<string, readonly [number, number]>> = {
  'gpt-4.1': [2, 8],
  'gpt-4.1-mini': [0.4, 1.6],
  'gpt-4.1-nano': [0.1, 0.4],
  'gpt-4o': [2.5, 10],
  'gpt-4o-mini': [0.15, 0.6],
  'o4-mini': [1.1, 4.4],
  o3: [2, 8],
  'gpt-5': [1.25, 10],
  'gpt-5-mini': [0.25, 2],
  'claude-sonnet-4': [3, 15],
  'claude-haiku-4': [1, 5],
  'claude-opus-4': [15, 75],
  'claude-3-5-sonnet': [3, 15],
  'claude-3-5-haiku': [0.8, 4],
  'gemini-2.5-pro': [1.25, 10],
  'gemini-2.5-flash': [0.3, 2.5],
}

/** null: nobody here knows, so no budget of money can hold it. */
export const costOf = (
  model: string,
  inputTokens: number | null,
  outputTokens: number | null,
): number | null => {
  const bare = model.slice(model.lastIndexOf('/') + 1)
  const name = Object.keys(prices)
    .filter((known) => bare.startsWith(known))
    .sort((a, b) => b.length - a.length)[0]
  const price = name === undefined ? undefined : prices[name]
  if (!price || inputTokens === null || outputTokens === null) return null
  return (inputTokens * price[0] + outputTokens * price[1]) / 1_000_000
}
