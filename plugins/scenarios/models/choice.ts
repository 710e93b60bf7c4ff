/** From logits to an action: the likeliest of those that are open. */

export interface Act {
  readonly action: number
  readonly name: string
  /** Of each action; 0 where it is masked. */
  readonly probabilities: readonly number[]
}

/** `mask`: 1 for what is possible; null: everything. Of equals the first. */
export const choose = (
  logits: ArrayLike<number>,
  mask: ArrayLike<number> | null,
  names: readonly string[],
): Act => {
  let action = -1
  for (let j = 0; j < logits.length; j++) {
    if (mask && mask[j] !== 1) continue
    if (action < 0 || logits[j]! > logits[action]!) action = j
  }
  const top = logits[action] ?? 0
  const probabilities = new Array<number>(logits.length).fill(0)
  let sum = 0
  for (let j = 0; j < logits.length; j++) {
    if (mask && mask[j] !== 1) continue
    probabilities[j] = Math.exp(logits[j]! - top)
    sum += probabilities[j]!
  }
  for (let j = 0; j < logits.length; j++) probabilities[j]! /= sum
  return { action, name: names[action] ?? String(action), probabilities }
}
