/** A table with a question about it, what is wrong with its numbers, and what they say. */
import type { Random } from '../../random.ts'
import { bit, has } from '../turns.ts'
import { farOff, rankZ, t } from './statistics.ts'

export const questions = ['groups', 'trend'] as const
export type Question = (typeof questions)[number]
export const tasks = questions.flatMap((one) => [`${one}_clean`, `${one}_messy`])

export const looks = ['describe', 'plot', 'check_source'] as const
export const changes = ['drop_missing', 'fill_with_limit', 'drop_far_off'] as const
export const tests = ['t_test', 'rank_test', 'correlation', 'rank_correlation'] as const
export const conclusions = ['conclude_up', 'conclude_down', 'conclude_none'] as const

/** In the order of their numbers. */
export const actions = [...looks, ...changes, ...tests, ...conclusions]
export const changesFrom = looks.length
export const testsFrom = changesFrom + changes.length
export const conclusionsFrom = testsFrom + tests.length

/** Below it the instrument measures nothing. */
export const detectionLimit = 7
/** From here on an effect is held to be real: about one chance in twenty. */
const threshold = 2

/** What was drawn. Nothing of it is seen but the question. */
export interface Table {
  readonly id: number
  readonly question: Question
  /** The group, 0 or 1, or a dose. */
  readonly x: readonly number[]
  /** The outcome; null: missing. */
  readonly y: readonly (number | null)[]
  /** How many are missing. */
  readonly missing: number
  /** Why they are missing: too low to be measured. Otherwise they were lost by chance. */
  readonly isBelowLimit: boolean
  /** Rows whose outcome is far off. */
  readonly far: readonly number[]
  /** Those were typed wrong. Otherwise they were measured like that. */
  readonly isTyped: boolean
}

/** A table, and what was done about it. */
export interface Work {
  readonly table: Table
  /** A set of `looks`. */
  readonly looked: number
  /** A set of `changes`. */
  readonly done: number
  readonly isRefused: boolean
  readonly statistics: readonly [number | null, number | null]
  /** An index into `conclusions`; -1: none yet. */
  readonly conclusion: number
}

export const drawTable = (random: Random): Table => {
  const question = random.pick(questions)
  return drawNumbers(random, {
    id: random.below(9000),
    question,
    rows: 20 + random.below(9),
    missing: random.next() < 0.5 ? 0 : 1 + random.below(4),
    far: random.next() < 0.5 ? 0 : 1 + random.below(3),
    isBelowLimit: random.next() < 0.5,
    isTyped: random.next() < 0.5,
  })
}

interface Plan extends Pick<Table, 'id' | 'question' | 'isBelowLimit' | 'isTyped'> {
  readonly rows: number
  readonly missing: number
  readonly far: number
}

/** Numbers with an effect, or none, in them; the rows that are damaged are any. */
export const drawNumbers = (random: Random, plan: Plan): Table => {
  const { id, question, rows, missing, isBelowLimit, isTyped } = plan
  const isGroups = question === 'groups'
  const effect = random.pick(effects) * random.between(0.6, 1.4)
  const x: number[] = []
  const y: (number | null)[] = []
  for (let row = 0; row < rows; row++) {
    const dose = isGroups ? row % 2 : rounded(10 * random.next())
    x.push(dose)
    const push = effect * (isGroups ? dose - 0.5 : (dose - 5) / 5)
    y.push(rounded(10 + push + random.normal()))
  }
  // Rows are drawn at random already, but groups go by turns: a stride hits both of them.
  const first = random.below(rows)
  for (let i = 0; i < plan.far; i++) {
    const away = random.between(15, 40) * (random.next() < 0.5 ? -1 : 1)
    y[(first + 3 * i) % rows] = rounded(10 + away)
  }
  for (let i = 0; i < missing; i++) y[(first + 1 + 3 * i) % rows] = null
  return { id, question, x, y, missing, isBelowLimit, far: farOff(y), isTyped }
}

const effects = [-1.5, 0, 1.5]

const rounded = (value: number): number => Math.round(100 * value) / 100

/** The changes that the table needs: a set of `changes`. */
export const rightChanges = ({ missing, isBelowLimit, far, isTyped }: Table): number =>
  (missing === 0 ? 0 : bit(isBelowLimit ? 1 : 0)) | (far.length > 0 && isTyped ? bit(2) : 0)

/** Of these changes, those that change anything. */
export const effective = ({ missing, far }: Table, done: number): number =>
  done & ((missing > 0 ? bit(0) | bit(1) : 0) | (far.length > 0 ? bit(2) : 0))

/** Values that are far off and true bend means: then ranks are what is tested. */
export const rightTest = ({ question, far, isTyped }: Table): number =>
  (question === 'groups' ? 0 : 2) + (far.length > 0 && !isTyped ? 1 : 0)

/** The statistic of a test after some changes; null: it does not fit, or values are missing. */
export const statisticOf = (table: Table, test: number, done: number): number | null => {
  if (test >> 1 !== questions.indexOf(table.question)) return null
  const isDropped = has(done, 0)
  const isFilled = has(done, 1)
  if (table.missing > 0 && !isDropped && !isFilled) return null
  const x: number[] = []
  const y: number[] = []
  for (let row = 0; row < table.x.length; row++) {
    const value = table.y[row] ?? (isFilled ? detectionLimit : null)
    if (value === null || (has(done, 2) && table.far.includes(row))) continue
    x.push(table.x[row] ?? 0)
    y.push(value)
  }
  return test % 2 === 0 ? t(x, y) : rankZ(x, y)
}

/** What a statistic says, an index into `conclusions`. */
export const conclusionOf = (statistic: number): number =>
  statistic >= threshold ? 0 : statistic <= -threshold ? 1 : 2

/** What the numbers say to one who treats them rightly. */
export const truthOf = (table: Table): number =>
  conclusionOf(statisticOf(table, rightTest(table), rightChanges(table)) ?? 0)
