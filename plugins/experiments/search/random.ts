/** Random numbers that are the same after a restart: each decision has a generator of its own. */
import type { Random } from './policy.ts'

/** SplitMix32 spreads neighbouring seeds apart; Mulberry32 draws from there. */
export const randomFrom = (seed: number, decision: number): Random => {
  let state = (mix(seed | 0) ^ mix((decision | 0) + 0x51_7c_c1_b7)) >>> 0
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const mix = (value: number): number => {
  let x = (value + 0x9e_37_79_b9) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21_f0_aa_ad)
  x = Math.imul(x ^ (x >>> 15), 0x73_5a_2d_97)
  return x ^ (x >>> 15)
}

/** One of the items, each as likely as the others. */
export const choice = <T>(items: readonly T[], random: Random): T => {
  const item = items[Math.min(items.length - 1, Math.floor(random() * items.length))]
  if (item === undefined) throw new Error('There is nothing to choose from')
  return item
}
