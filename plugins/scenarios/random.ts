/** Random numbers that can be saved and restored: xoshiro128** (Blackman & Vigna 2018). */

export type RandomState = readonly [number, number, number, number]

/** One number from several, so that streams of one seed are unlike each other (splitmix32). */
export const mixed = (...parts: readonly number[]): number => {
  let hash = 0x9e3779b9
  for (const part of parts) {
    hash = scrambled((hash ^ (part >>> 0)) + 0x9e3779b9)
    hash = scrambled(hash ^ Math.floor(part / 2 ** 32))
  }
  return hash >>> 0
}

const scrambled = (value: number): number => {
  let z = value | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}

export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    this.#a = mixed(seed, 1)
    this.#b = mixed(seed, 2)
    this.#c = mixed(seed, 3)
    this.#d = mixed(seed, 4) | 1
  }

  /** A whole number of 32 bits. */
  bits(): number {
    const b = this.#b
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9)
    this.#c ^= this.#a
    this.#d ^= b
    this.#b = b ^ this.#c
    this.#a ^= this.#d
    this.#c ^= b << 9
    this.#d = rotated(this.#d, 11)
    return result >>> 0
  }

  /** From 0, below 1. */
  next(): number {
    return this.bits() / 2 ** 32
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** From 0, below `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** Standard normal (Box-Muller, one of the pair). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new Error('There is nothing to pick from')
    return item
  }

  /** In place (Fisher-Yates). */
  shuffle(items: Int32Array | unknown[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = items[i]
      items[i] = items[j] as never
      items[j] = kept as never
    }
  }

  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0]
  }

  set state([a, b, c, d]: RandomState) {
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }
}

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by))
