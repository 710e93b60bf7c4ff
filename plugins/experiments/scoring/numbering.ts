/** Numbers equal values alike, in the order in which they are met. */

/** A map of millions of entries stops everything while it grows; many small ones do not. */
const buckets = 256

export class Numbering<T extends string | number> {
  readonly numbers: number[] = []
  /** In the order of their numbers. */
  readonly values: T[] = []
  readonly #known = Array.from({ length: buckets }, () => new Map<T, number>())

  add(value: T): void {
    const known = this.#known[bucketOf(value)]!
    const number = known.get(value) ?? this.values.length
    if (number === this.values.length) {
      known.set(value, number)
      this.values.push(value)
    }
    this.numbers.push(number)
  }

  get count(): number {
    return this.values.length
  }
}

const bucketOf = (value: string | number): number =>
  typeof value === 'number' ? value % buckets : Bun.hash.xxHash32(value) % buckets
