/** Whether an experiment has used up what it may: time, tokens, money. Steps end by themselves. */
import type { ExperimentSettings } from '../settings.ts'
import type { Spent } from './ledger.ts'

/** Why it has to end, in a sentence for people; null while it need not. */
export const budgetEnd = (
  budget: ExperimentSettings['budget'],
  elapsedS: number,
  spent: Spent,
): string | null => {
  const { seconds, tokens, usd } = budget
  if (seconds !== undefined && elapsedS >= seconds) {
    return `Its budget of ${seconds} seconds is used up.`
  }
  if (tokens !== undefined && spent.tokens >= tokens) {
    return `Its budget of ${tokens} tokens is used up: ${spent.tokens} were needed.`
  }
  if (usd !== undefined && spent.usd >= usd) {
    return `Its budget of ${usd} USD is used up: ${spent.usd.toFixed(4)} were spent.`
  }
  return null
}
