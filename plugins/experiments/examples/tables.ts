/** Tables to try things out with: drawn from a seed, so that everybody has the same ones. */
import { choice, randomFrom } from '../search/random.ts'
import type { Random } from '../search/policy.ts'

/** From the sum of twelve uniform draws: near enough to a normal one, and the same everywhere. */
const normal = (random: Random): number => {
  let sum = -6
  for (let i = 0; i < 12; i++) sum += random()
  return sum
}

const table = (columns: readonly string[], rows: readonly (readonly unknown[])[]): string =>
  [columns, ...rows].map((row) => `${row.join(',')}\n`).join('')

const rowsOf = <T>(count: number, seed: number, row: (random: Random, i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => row(randomFrom(seed, i), i))

/** Rents follow size, age and quarter, with a premium that only large flats have for a balcony. */
export const apartments = (): string =>
  table(
    ['id', 'area', 'rooms', 'age', 'floor', 'quarter', 'balcony', 'rent'],
    rowsOf(600, 11, (random, i) => {
      const area = Math.round(25 + 115 * random())
      const rooms = Math.max(1, Math.round(area / 28 + 0.6 * normal(random)))
      const age = Math.floor(90 * random())
      const floor = Math.floor(8 * random())
      const quarter = choice(['harbour', 'hill', 'north', 'old town'] as const, random)
      const balcony = random() < 0.45 ? 1 : 0
      const factor = { harbour: 1.15, hill: 1, north: 0.85, 'old town': 1.3 }[quarter]
      const premium = balcony * (area > 70 ? 140 : 20)
      const rent = (180 + 9.5 * area - 2.2 * age + 6 * floor) * factor + premium
      return [
        i + 1,
        area,
        rooms,
        age,
        floor,
        quarter,
        balcony,
        Math.round(rent + 45 * normal(random)),
      ]
    }),
  )

/** Customers leave for price, short contracts and trouble; some values are missing. */
export const customers = (): string =>
  table(
    ['customer_id', 'months', 'monthly_price', 'contract', 'tickets', 'usage_gb', 'churned'],
    rowsOf(800, 12, (random, i) => {
      const months = Math.ceil(60 * random())
      const price = Math.round(100 * (15 + 70 * random())) / 100
      const contract = choice(['monthly', 'monthly', 'yearly', 'two years'] as const, random)
      const tickets = Math.floor(-1.4 * Math.log(1 - random()))
      const usage = random() < 0.06 ? '' : Math.round(10 * Math.exp(2 + 0.8 * normal(random))) / 10
      const bound = { monthly: 1.1, yearly: -0.6, 'two years': -1.6 }[contract]
      const score = -1.6 + bound + 0.03 * price - 0.035 * months + 0.55 * tickets
      const churned = random() < 1 / (1 + Math.exp(-score)) ? 1 : 0
      return [`C${10_000 + i}`, months, price, contract, tickets, usage, churned]
    }),
  )

const centres = {
  barley: [58, 37, 12, 3.1],
  lentil: [24, 22, 7.5, 1.2],
  oat: [61, 30, 10.5, 2.6],
  rye: [55, 29, 11.5, 2.9],
} as const
const kinds = Object.keys(centres) as (keyof typeof centres)[]

/** Seeds of four kinds, two of which are hard to tell apart. */
export const grains = (): string =>
  table(
    ['sample', 'length', 'width', 'weight', 'hardness', 'kind'],
    rowsOf(500, 13, (random, i) => {
      const kind = choice(kinds, random)
      const sizes = centres[kind].map((centre) => centre * (1 + 0.09 * normal(random)))
      return [i + 1, ...sizes.map((size) => size.toFixed(2)), kind]
    }),
  )
