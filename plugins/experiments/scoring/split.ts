/** Decides which rows are for training, for the search, and for the selection. */
import { paced } from '../data/pace.ts'
import { seededRandom, shuffledOrder } from './random.ts'

/** 0: training, 1: search, 2: selection. */
export type Part = 0 | 1 | 2

export interface SplitRows {
  /** For each row the unit it belongs to: rows of a unit are never parted. */
  readonly units: Int32Array
  readonly unitCount: number
  /** For each row its stratum (a class, or a range of the target): every part gets its share. */
  readonly strata: Int32Array
  readonly stratumCount: number
}

/** Small data needs more hidden rows for a score that means something. */
export const sharesFor = (rows: number): readonly [number, number, number] =>
  rows < 2000 ? [0.6, 0.2, 0.2] : [0.7, 0.15, 0.15]

/** The part of each row. The same rows and seed give the same parts. */
export const splitRows = async (rows: SplitRows, seed: number): Promise<Uint8Array> => {
  const { units, unitCount, strata, stratumCount } = rows
  const shares = sharesFor(units.length)
  const random = seededRandom(seed)
  const totals = new Float64Array(stratumCount)
  const sizes = new Int32Array(unitCount)
  const firsts = new Int32Array(unitCount).fill(-1)
  let isMixed = false
  await paced(units.length, (row) => {
    const unit = units[row]!
    const stratum = strata[row]!
    totals[stratum]! += 1
    sizes[unit]! += 1
    if (firsts[unit] === -1) firsts[unit] = stratum
    else if (firsts[unit] !== stratum) isMixed = true
  })
  const order = await shuffledOrder(unitCount, random)
  const partOfUnit = new Uint8Array(unitCount)
  if (isMixed) {
    const members = await membersOf(rows)
    // The largest first, while there is room for them; equal ones stay in their shuffled order.
    order.sort((a, b) => sizes[b]! - sizes[a]!)
    const place = placeByFit(totals, shares)
    await paced(unitCount, (i) => (partOfUnit[order[i]!] = place(members[order[i]!]!)))
  } else {
    const place = placeByTurn(totals, shares, random)
    await paced(unitCount, (i) => {
      const unit = order[i]!
      partOfUnit[unit] = place(firsts[unit]!, sizes[unit]!)
    })
  }
  const parts = new Uint8Array(units.length)
  await paced(units.length, (row) => (parts[row] = partOfUnit[units[row]!]!))
  return parts
}

/** How many rows of each stratum a unit has. */
type Members = ReadonlyMap<number, number>

const membersOf = async ({ units, strata, unitCount }: SplitRows): Promise<Members[]> => {
  const members: Map<number, number>[] = []
  await paced(unitCount, () => members.push(new Map()))
  await paced(units.length, (row) => {
    const counts = members[units[row]!]!
    counts.set(strata[row]!, (counts.get(strata[row]!) ?? 0) + 1)
  })
  return members
}

/**
 * Units of one stratum each: the stratum's first unit trains, the second and third are hidden, and
 * then each goes where most is missing. So a class that is predicted has been seen, however rare.
 */
const placeByTurn = (
  totals: Float64Array,
  shares: readonly number[],
  random: () => number,
): ((stratum: number, size: number) => Part) => {
  const filled = Array.from(totals, () => [0, 0, 0])
  const rows = totals.reduce((a, b) => a + b, 0)
  const all = [0, 0, 0]
  // Where the one hidden unit of a stratum of two goes.
  const first = Array.from(totals, (): Part => (random() < 0.5 ? 1 : 2))
  return (stratum, size) => {
    const have = filled[stratum]!
    const hidden = first[stratum]!
    const turns: readonly Part[] = [0, hidden, hidden === 1 ? 2 : 1]
    // Of parts that miss as much of the stratum, the one that misses more of all rows.
    const missing = (part: Part) =>
      shares[part]! * totals[stratum]! -
      have[part]! +
      (1e-3 * (shares[part]! * rows - all[part]!)) / rows
    const part =
      turns.find((one) => have[one] === 0) ??
      turns.reduce((a, b) => (missing(b) > missing(a) ? b : a))
    have[part]! += size
    all[part]! += size
    return part
  }
}

/** Units of several strata: each goes where it brings all strata nearest to their shares. */
const placeByFit = (
  totals: Float64Array,
  shares: readonly number[],
): ((members: Members) => Part) => {
  const have = shares.map(() => new Float64Array(totals.length))
  const used = [0, 0, 0]
  let left = 3
  return (members) => {
    const cost = (part: Part): number => {
      let sum = 0
      for (const [stratum, size] of members) {
        const wanted = shares[part]! * totals[stratum]!
        sum += (size * (2 * (have[part]![stratum]! - wanted) + size)) / wanted
      }
      return sum
    }
    const open = ([0, 1, 2] as Part[]).filter((part) => left === 0 || used[part] === 0)
    const part = open.reduce((a, b) => (cost(b) < cost(a) ? b : a))
    for (const [stratum, size] of members) have[part]![stratum]! += size
    if (used[part]!++ === 0) left--
    return part
  }
}

/** Enough to know where the ranges of a target begin. */
const maxSample = 10_000

/** Strata of numbers: ranges of the target that hold about equally many rows. */
export const rangesOf = async (values: Float64Array, ranges: number): Promise<Int32Array> => {
  const step = Math.max(1, Math.floor(values.length / maxSample))
  const sorted = values.filter((_, i) => i % step === 0).sort()
  const bounds = Float64Array.from(
    { length: ranges - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / ranges)]!,
  )
  const out = new Int32Array(values.length)
  await paced(values.length, (row) => {
    let range = 0
    while (range < bounds.length && values[row]! >= bounds[range]!) range++
    out[row] = range
  })
  return out
}
