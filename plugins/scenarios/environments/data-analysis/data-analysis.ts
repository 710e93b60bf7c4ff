/** Data analysis: look at a table, mend what is wrong with it, test, conclude what it says. */
import type { Scenario, Verdict } from '../../environment.ts'
import type { Random } from '../../random.ts'
import { lawful, part, sequential, weightedSum } from '../../rubric.ts'
import { bit, has, Turns } from '../turns.ts'
import { conversation } from './conversation.ts'
import { maxSteps, observations, writeObservation } from './observation.ts'
import {
  actions,
  changesFrom,
  conclusionOf,
  conclusionsFrom,
  drawTable,
  effective,
  questions,
  rightChanges,
  rightTest,
  statisticOf,
  type Table,
  tasks,
  testsFrom,
  truthOf,
  type Work,
} from './table.ts'

const rewards = { neededStep: 0.1, harm: -0.3, otherStep: -0.02, success: 1 }

export const dataAnalysis: Scenario = {
  spec: {
    id: 'data_analysis',
    version: 1,
    name: 'Data analysis',
    description:
      'Answers a question about a table that is drawn anew each time: values are missing for a ' +
      'reason, some are far off for a reason, and the right test depends on it. The verdict is ' +
      'computed from the numbers.',
    difficulty: 'advanced',
    tasks,
    observations,
    actions,
    maxSteps,
    metrics: ['conclusion', 'looks', 'cleaning', 'test'],
    features: ['tools', 'hidden state', 'real statistics', 'steps that cannot be undone'],
  },
  conversation,
  rubric: sequential(
    lawful,
    weightedSum(
      [3, part('conclusion')],
      [1, part('looks')],
      [1, part('cleaning')],
      [1, part('test')],
    ),
  ),
  make: () => new Analysis(),
}

export class Analysis extends Turns<Work> {
  readonly actions = actions.length

  constructor() {
    super(maxSteps)
  }

  get task(): number {
    const { question, missing, far } = this.state.table
    return 2 * questions.indexOf(question) + (missing + far.length > 0 ? 1 : 0)
  }

  protected draw(random: Random): Work {
    const table = drawTable(random)
    const statistics = [null, null] as const
    return { table, looked: 0, done: 0, isRefused: false, statistics, conclusion: -1 }
  }

  protected act(action: number): number {
    const { state } = this
    const isWanted = action === nextStep(state)
    if (action >= conclusionsFrom) {
      this.state = { ...state, conclusion: action - conclusionsFrom }
      return isSuccess(this.state) ? rewards.success : rewards.otherStep
    }
    if (action >= testsFrom) this.#test(action - testsFrom)
    else if (action < changesFrom) this.state = { ...state, looked: state.looked | bit(action) }
    else if (this.#change(action - changesFrom)) return rewards.harm
    return isWanted ? rewards.neededStep : rewards.otherStep
  }

  #test(test: number): void {
    const { state } = this
    const statistic = statisticOf(state.table, test, state.done)
    const fits = test >> 1 === questions.indexOf(state.table.question)
    if (statistic === null) {
      this.state = { ...state, isRefused: state.isRefused || fits }
      return
    }
    const [values, ranked] = state.statistics
    const statistics =
      test % 2 === 0 ? ([statistic, ranked] as const) : ([values, statistic] as const)
    this.state = { ...state, statistics }
  }

  /** Whether it spoils the table for good. */
  #change(change: number): boolean {
    const { state } = this
    if (has(state.done, change)) return false
    this.state = { ...state, done: state.done | bit(change), statistics: [null, null] }
    return (effective(state.table, bit(change)) & ~rightChanges(state.table)) !== 0
  }

  protected hasEnded(): boolean {
    return this.state.conclusion >= 0
  }

  protected write(into: Float32Array): void {
    const { table, looked, done, isRefused, statistics } = this.state
    const { question, missing, isBelowLimit, isTyped } = table
    const far = table.far.length
    const told = { question, looked, missing, isBelowLimit, far, isTyped }
    writeObservation(into, { ...told, isRefused, done, statistics }, this.steps)
  }

  oracle(): number {
    return nextStep(this.state)
  }

  /** Takes everything that is far off for a slip of the pen, and asks nobody. */
  heuristic(): number {
    const { state } = this
    return nextStep({
      ...state,
      looked: state.looked | bit(2),
      table: { ...state.table, isTyped: true },
    })
  }

  verdict(): Verdict {
    const { state } = this
    const { table, looked, done, conclusion } = state
    const wanted = looksFor(table)
    const isTested = state.statistics[rightTest(table) % 2] !== null
    const isClean = effective(table, done) === rightChanges(table)
    const isRight = conclusion === truthOf(table)
    const violations: string[] = []
    const harm = effective(table, done) & ~rightChanges(table)
    if ((harm & 3) !== 0) violations.push('missing values treated against their reason')
    if (has(harm, 2)) violations.push('true measurements thrown away')
    if (conclusion >= 0 && state.statistics.every((one) => one === null)) {
      violations.push('concluded without a test')
    }
    const seen = wanted.filter((look) => has(looked, look)).length
    return {
      success: isSuccess(state),
      components: {
        conclusion: isRight ? 1 : 0,
        looks: seen / wanted.length,
        cleaning: isClean ? 1 : 0,
        test: isTested && isClean ? 1 : 0,
      },
      violations,
    }
  }
}

/** Where values come from matters only if some are far off. */
const looksFor = ({ far }: Table): readonly number[] => (far.length > 0 ? allLooks : firstLooks)
const allLooks = [0, 1, 2]
const firstLooks = [0, 1]

/** What to do next: look, mend, test, conclude. A spoiled table stays spoiled. */
const nextStep = ({ table, looked, done, statistics }: Work): number => {
  for (const look of looksFor(table)) if (!has(looked, look)) return look
  const missing = rightChanges(table) & ~done
  if (missing !== 0) return changesFrom + 31 - Math.clz32(missing & -missing)
  const test = rightTest(table)
  const statistic = statistics[test % 2] ?? null
  return statistic === null ? testsFrom + test : conclusionsFrom + conclusionOf(statistic)
}

/** The statistic was computed from the table as it is now, so what it says is the truth. */
const isSuccess = (work: Work): boolean => {
  const { table, looked, done, statistics, conclusion } = work
  const statistic = statistics[rightTest(table) % 2] ?? null
  return (
    statistic !== null &&
    conclusion === conclusionOf(statistic) &&
    looksFor(table).every((look) => has(looked, look)) &&
    effective(table, done) === rightChanges(table)
  )
}
