/** A change under review: places in it, what is planted there, and what a reviewer must do. */
import type { Random } from '../../random.ts'
import { bit, has, sizeOf } from '../turns.ts'

/** Kinds of code, and the defect each of them may be. */
export const defects = [
  'off_by_one',
  'secret',
  'injection',
  'null_access',
  'resource_leak',
] as const
export type Defect = (typeof defects)[number]

/** In the order of tasks: a change with no defect, with one of each sort, with several. */
export const tasks = ['clean', 'correctness', 'security', 'several'] as const

export const places = 3
export const flagsFrom = 2 * places
const numbers = Array.from({ length: places }, (_, i) => i + 1)
export const actions = [
  ...numbers.map((n) => `inspect_${n}`),
  ...numbers.map((n) => `trace_${n}`),
  ...numbers.flatMap((n) => defects.map((defect) => `flag_${n}_${defect}`)),
  'approve',
  'request_changes',
]
export const approve = flagsFrom + places * defects.length
export const requestChanges = approve + 1

/** One place of the change: hidden until it is inspected, its surroundings until it is traced. */
export interface Place {
  /** An index into `defects`: what it would be if it were wrong. */
  readonly kind: number
  /** The code itself looks wrong. */
  readonly isSuspect: boolean
  /** What is around it makes it wrong: where values come from, what callers do. */
  readonly isExposed: boolean
  /** Which of the ways to write it. */
  readonly wording: number
}

export interface Change {
  readonly id: number
  readonly lines: readonly number[]
  readonly places: readonly Place[]
  /** Sets of places. */
  readonly inspected: number
  readonly traced: number
  /** A set of flags: places by defects. */
  readonly flagged: number
  /** `approve` or `requestChanges`; -1: not yet. */
  readonly done: number
}

/** Of these the code alone is not enough: a suspect place is harmless in harmless surroundings. */
const dependsOnSurroundings = [false, false, true, true, true]

const suspectShare = 0.5
const exposedShare = 0.5
export const wordings = 3

export const drawPlace = (random: Random): Place => ({
  kind: random.below(defects.length),
  isSuspect: random.next() < suspectShare,
  isExposed: random.next() < exposedShare,
  wording: random.below(wordings),
})

export const drawChange = (random: Random): Change => {
  const lines = [10 + random.below(90)]
  while (lines.length < places) lines.push((lines.at(-1) ?? 0) + 5 + random.below(90))
  return {
    id: random.below(9000),
    lines,
    places: lines.map(() => drawPlace(random)),
    inspected: 0,
    traced: 0,
    flagged: 0,
    done: -1,
  }
}

export const needsTrace = ({ kind, isSuspect }: Place): boolean =>
  isSuspect && dependsOnSurroundings[kind] === true

export const isDefect = (place: Place): boolean =>
  place.isSuspect && (dependsOnSurroundings[place.kind] !== true || place.isExposed)

export const flagOf = (place: number, kind: number): number => place * defects.length + kind

/** The set of flags that a perfect review raises. */
export const rightFlags = (change: Change): number => {
  let flags = 0
  for (let i = 0; i < places; i++) {
    const place = change.places[i]
    if (place && isDefect(place)) flags |= bit(flagOf(i, place.kind))
  }
  return flags
}

/** Every place was inspected, and traced where the code alone does not say it. */
export const isProven = (change: Change): boolean => unread(change) < 0

/** The next look that is needed, an action; -1: enough is known. */
export const unread = ({ places: all, inspected, traced }: Change): number => {
  for (let i = 0; i < places; i++) {
    const place = all[i]
    if (!place) continue
    if (!has(inspected, i)) return i
    if (needsTrace(place) && !has(traced, i)) return places + i
  }
  return -1
}

export const taskOf = (change: Change): number => {
  const flags = rightFlags(change)
  if (flags === 0) return 0
  if (sizeOf(flags) > 1) return 3
  const kind = (31 - Math.clz32(flags)) % defects.length
  return defects[kind] === 'secret' || defects[kind] === 'injection' ? 2 : 1
}
