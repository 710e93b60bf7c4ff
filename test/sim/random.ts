/** Chance from one seed: the same seed makes the same decisions, whatever the machine does. */

export interface Chance {
  /** At least 0, less than 1. */
  next(): number
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  happens(probability: number): boolean
  pick<T>(all: readonly T[]): T
  /** A chance of its own, so that what one part decides does not move the others. */
  fork(): Chance
}

/** SplitMix32: small, and good enough that neighbouring seeds have nothing in common. */
export const chanceOf = (seed: number): Chance => {
  let state = seed >>> 0
  const word = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  const next = (): number => word() / 2 ** 32
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    happens: (probability) => next() < probability,
    pick: (all) => all[between(0, all.length - 1)] as (typeof all)[number],
    fork: () => chanceOf(word()),
  }
}

/** Identifiers that programs make up come from the seed too. */
export const seedIdentifiers = (chance: Chance): void => {
  const fill = <T extends ArrayBufferView>(view: T): T => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    for (let at = 0; at < bytes.length; at++) bytes[at] = chance.between(0, 255)
    return view
  }
  const randomUUID = () => Buffer.from(fill(new Uint8Array(16))).toString('hex')
  Object.defineProperty(crypto, 'getRandomValues', { value: fill, configurable: true })
  Object.defineProperty(crypto, 'randomUUID', { value: randomUUID, configurable: true })
}
