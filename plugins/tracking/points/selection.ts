/** Keeps the first points of many by one column and then by id, in bounded memory. */
import { orderBy } from './history.ts'
import type { Columns } from './payload.ts'

const SPARE = 8192

/** The selected points, in order. `keys` are ids, `series` the series of each. */
export interface Selected extends Columns {
  readonly series: Float64Array
}

export class Selection {
  readonly #amount: number
  readonly #ranks: Float64Array
  readonly #keys: Float64Array
  readonly #steps: Float64Array
  readonly #times: Float64Array
  readonly #values: Float64Array
  readonly #series: Float64Array
  #count = 0
  /** Points above this cannot be among the first `amount` any more. */
  limit = Infinity

  constructor(amount: number, expected: number) {
    const capacity = Math.min(amount + SPARE, expected)
    this.#amount = amount
    this.#ranks = new Float64Array(capacity)
    this.#keys = new Float64Array(capacity)
    this.#steps = new Float64Array(capacity)
    this.#times = new Float64Array(capacity)
    this.#values = new Float64Array(capacity)
    this.#series = new Float64Array(capacity)
  }

  add(rank: number, id: number, series: number, step: number, time: number, value: number): void {
    if (rank > this.limit) return
    if (this.#count === this.#ranks.length) this.#compact()
    const at = this.#count++
    this.#ranks[at] = rank
    this.#keys[at] = id
    this.#series[at] = series
    this.#steps[at] = step
    this.#times[at] = time
    this.#values[at] = value
  }

  /** The selected points from rank `from` on. */
  done(from: number): Selected {
    this.#compact()
    const cut = (column: Float64Array) => column.slice(from, this.#count)
    return {
      count: Math.max(0, this.#count - from),
      keys: cut(this.#keys),
      steps: cut(this.#steps),
      times: cut(this.#times),
      values: cut(this.#values),
      series: cut(this.#series),
    }
  }

  #compact(): void {
    const keys = this.#keys.subarray(0, this.#count)
    const order = orderBy(this.#ranks.subarray(0, this.#count), keys).subarray(0, this.#amount)
    for (const column of [
      this.#ranks,
      this.#keys,
      this.#steps,
      this.#times,
      this.#values,
      this.#series,
    ]) {
      const picked = Float64Array.from(order, (at) => column[at] as number)
      column.set(picked)
    }
    this.#count = order.length
    if (this.#count === this.#amount) this.limit = this.#ranks[this.#count - 1] as number
  }
}
