/** Chance that comes out the same for the same seed, on every machine and in every version. */

import { paced } from '../data/pace.ts'

/** Draws from [0, 1), 32 bits each (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** 0 to `count - 1`, ordered by chance. */
export const shuffledOrder = async (count: number, random: () => number): Promise<Int32Array> => {
  const order = new Int32Array(count)
  // Each number is put at a place by chance, and what was there moves to the end.
  await paced(count, (i) => {
    const place = Math.floor(random() * (i + 1))
    order[i] = order[place]!
    order[place] = i
  })
  return order
}
