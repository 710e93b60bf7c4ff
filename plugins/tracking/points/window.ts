/** Finds the stretch of time in which a page of points lies, reading nothing but times. */
import type { Queries } from '../../../src/sdk.ts'
import { type ChunkRef, fieldOf, readChunks } from './chunks.ts'
import type { OpenBatch } from './state.ts'
import { At } from './summary.ts'

const BINS = 65_536
/** Pages that begin within so many points need no search. */
const NEAR = 8192

/** A page starts at the point of rank `from` among those whose time lies in the bins. */
export interface Window {
  readonly from: number
  /** Grows with the time; the window is the bins `first..last`. */
  bin(time: number): number
  readonly first: number
  readonly last: number
}

export interface PageSource {
  readonly batches: readonly OpenBatch[]
  /** The only series wanted, if not all. */
  readonly only: number | undefined
  readonly refs: readonly ChunkRef[]
}

const spanOf = ({ batches, only, refs }: PageSource): { low: number; high: number } => {
  let low = Infinity
  let high = -Infinity
  for (const ref of refs) {
    low = Math.min(low, fieldOf(ref, At.minTime))
    high = Math.max(high, fieldOf(ref, At.maxTime))
  }
  for (const { keys, times, count } of batches) {
    for (let i = 0; i < count; i++) {
      if (only !== undefined && keys[i] !== only) continue
      low = Math.min(low, times[i] as number)
      high = Math.max(high, times[i] as number)
    }
  }
  return { low, high }
}

const countTimes = async (
  q: Queries,
  { batches, only, refs }: PageSource,
  bin: (time: number) => number,
): Promise<Uint32Array> => {
  const bins = new Uint32Array(BINS + 1)
  const add = (at: number, points: number) => {
    bins[at] = (bins[at] as number) + points
  }
  for (const { keys, times, count } of batches) {
    for (let i = 0; i < count; i++) {
      if (only === undefined || keys[i] === only) add(bin(times[i] as number), 1)
    }
  }
  const spread = refs.filter((ref) => {
    const at = bin(fieldOf(ref, At.minTime))
    if (bin(fieldOf(ref, At.maxTime)) !== at) return true
    add(at, ref.count)
    return false
  })
  for await (const [, { times, count }] of readChunks(q, spread)) {
    for (let i = 0; i < count; i++) add(bin(times[i] as number), 1)
  }
  return bins
}

/** The window of the points of rank `from` to `from + limit`. */
export const findWindow = async (
  q: Queries,
  source: PageSource,
  from: number,
  limit: number,
): Promise<Window> => {
  if (from <= NEAR) return { from, bin: () => 0, first: 0, last: 0 }
  const { low, high } = spanOf(source)
  const width = Math.ceil((high - low + 1) / BINS)
  const bin = (time: number) => Math.floor((time - low) / width)
  const bins = await countTimes(q, source, bin)
  let first = 0
  let before = 0
  while (first < BINS && before + (bins[first] as number) <= from) before += bins[first++] as number
  let last = first
  let reached = before + (bins[last] as number)
  while (last < BINS && reached < from + limit) reached += bins[++last] as number
  return { from: from - before, bin, first, last }
}
