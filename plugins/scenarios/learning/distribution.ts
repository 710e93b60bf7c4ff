/** Choosing among actions by logits: softmax, sampling, the best, all with masks. */
import type { Random } from '../random.ts'

/** Turns logits into probabilities in place, 0 where `mask` is. Answers the entropy, in nats. */
export const softmax = (
  row: Float32Array,
  at: number,
  count: number,
  mask: Uint8Array | null,
  maskAt: number,
): number => {
  let top = Number.NEGATIVE_INFINITY
  for (let j = 0; j < count; j++) {
    if (mask && mask[maskAt + j] === 0) continue
    const logit = row[at + j]!
    if (logit > top) top = logit
  }
  let sum = 0
  for (let j = 0; j < count; j++) {
    const p = mask && mask[maskAt + j] === 0 ? 0 : Math.exp(row[at + j]! - top)
    row[at + j] = p
    sum += p
  }
  let entropy = 0
  for (let j = 0; j < count; j++) {
    const p = row[at + j]! / sum
    row[at + j] = p
    if (p > 0) entropy -= p * Math.log(p)
  }
  return entropy
}

export const sample = (row: Float32Array, at: number, count: number, random: Random): number => {
  let left = random.next()
  let last = 0
  for (let j = 0; j < count; j++) {
    const p = row[at + j]!
    if (p === 0) continue
    last = j
    left -= p
    if (left < 0) return j
  }
  return last
}

/** The first of the greatest. */
export const greatest = (
  row: Float32Array,
  at: number,
  count: number,
  mask: Uint8Array | null,
): number => {
  let best = -1
  for (let j = 0; j < count; j++) {
    if (mask && mask[j] === 0) continue
    if (best < 0 || row[at + j]! > row[at + best]!) best = j
  }
  return Math.max(0, best)
}
