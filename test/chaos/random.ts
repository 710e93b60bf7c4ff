/** Chance that can be had again: everything a chaos run decides comes from one seed. */

export interface Random {
  /** At least `low`, less than `high`. */
  between(low: number, high: number): number
  /** The same, whole numbers. */
  whole(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T | undefined
}

/** Mulberry32: small, quick, and good enough to choose what to break next. */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + (high - low) * next()
  const whole = (low: number, high: number) => Math.floor(between(low, high))
  return {
    between,
    whole,
    chance: (probability) => next() < probability,
    pick: (from) => from[whole(0, from.length)],
  }
}
