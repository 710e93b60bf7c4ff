/** What the policy sees of an analysis: what was looked at, done and tested, and what that told. */
import { has, sign } from '../turns.ts'
import { changes, type Question, questions } from './table.ts'

/** Then the answer is no longer waited for. */
export const maxSteps = 12
const lookNumbers = 7
export const observations = questions.length + lookNumbers + 1 + changes.length + 4 + 1

export interface Seen {
  readonly question: Question
  /** A set of `looks`. */
  readonly looked: number
  readonly missing: number
  readonly isBelowLimit: boolean
  readonly far: number
  readonly isTyped: boolean
  /** A test was refused as values are missing. */
  readonly isRefused: boolean
  /** A set of `changes`. */
  readonly done: number
  /** Of the test of values and that of ranks, since the table was changed last. */
  readonly statistics: readonly [number | null, number | null]
}

export const writeObservation = (into: Float32Array, seen: Seen, steps: number): void => {
  into.fill(0)
  into[questions.indexOf(seen.question)] = 1
  let at = questions.length
  if (has(seen.looked, 0)) {
    into[at] = 1
    into[at + 1] = seen.missing / 4
    // Why nothing is missing is no question.
    into[at + 2] = seen.missing === 0 ? 0 : sign(seen.isBelowLimit)
  }
  if (has(seen.looked, 1)) {
    into[at + 3] = 1
    into[at + 4] = seen.far / 4
  }
  if (has(seen.looked, 2)) {
    into[at + 5] = 1
    into[at + 6] = sign(seen.isTyped)
  }
  at += lookNumbers
  into[at++] = seen.isRefused ? 1 : 0
  for (let i = 0; i < changes.length; i++) into[at++] = has(seen.done, i) ? 1 : 0
  for (const statistic of seen.statistics) {
    into[at++] = statistic === null ? 0 : 1
    into[at++] = Math.min(2, Math.max(-2, (statistic ?? 0) / 2))
  }
  into[at] = steps / maxSteps
}
