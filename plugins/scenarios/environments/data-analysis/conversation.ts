/** Analyses in words: questions, and what tools tell about a table. */
import type { Conversation, Environment } from '../../environment.ts'
import { bit, has, toolsAbout } from '../turns.ts'
import type { Analysis } from './data-analysis.ts'
import { observations, type Seen, writeObservation } from './observation.ts'
import {
  actions,
  changesFrom,
  conclusionsFrom,
  detectionLimit,
  type Question,
  questions,
  statisticOf,
  type Table,
  testsFrom,
} from './table.ts'

const asked: Readonly<Record<Question, string>> = {
  groups: 'Does the outcome of the treated differ from that of the others?',
  trend: 'Does the outcome go with the dose?',
}

const described: Readonly<Record<(typeof actions)[number], string>> = {
  describe: 'Counts missing values and says why they are missing.',
  plot: 'Counts values that are far off.',
  check_source: 'Says how values that are far off came about.',
  drop_missing: 'Leaves out rows without a value; cannot be undone.',
  fill_with_limit: 'Puts the detection limit where values are missing; cannot be undone.',
  drop_far_off: 'Leaves out rows that are far off; cannot be undone.',
  t_test: 'Compares the means of two groups.',
  rank_test: 'Compares the ranks of two groups.',
  correlation: 'Correlates the values of outcome and dose.',
  rank_correlation: 'Correlates the ranks of outcome and dose.',
  conclude_up: 'Answers: yes, the outcome rises. Ends.',
  conclude_down: 'Answers: yes, the outcome falls. Ends.',
  conclude_none: 'Answers: the table does not show it. Ends.',
}

const reasons = {
  belowLimit: 'they were below the detection limit',
  lost: 'they were lost by chance',
  typed: 'Values that are far off come from slips of the pen.',
  measured: 'Values that are far off were measured like that.',
  refused: 'Values are missing: deal with them first.',
  misfit: 'This test is for another kind of question.',
}

const tableOf = (environment: Environment): Table => (environment as Analysis).state.table

const idOf = ({ id }: Table): string => `D-${1000 + id}`

const opened = /^Table (D-\d+): (.+)$/

const looked = (look: number, { missing, isBelowLimit, far, isTyped }: Table): string => {
  if (look === 0) {
    const why = isBelowLimit ? reasons.belowLimit : reasons.lost
    return missing === 0 ? 'No values are missing.' : `Missing values: ${missing}; ${why}.`
  }
  if (look === 1) return `Values that are far off: ${far.length}.`
  return isTyped ? reasons.typed : reasons.measured
}

const answered = 'The answer was given.'

export const conversation: Conversation = {
  system:
    'You analyse tables. Describe and plot first; if values are far off, check the source. Drop ' +
    'rows whose value was lost by chance; where values were too low to be measured, put the ' +
    `detection limit, ${detectionLimit}. Drop what is far off only if it was typed wrong. Two ` +
    'groups: t test; a dose: correlation; but if true values are far off, the test of ranks. ' +
    'Then conclude: up from a statistic of 2, down from -2, else none.',
  tools: toolsAbout(
    'table_id',
    'The table at hand',
    actions.map((name) => [name, described[name]]),
  ),
  closings: [answered],
  opening(environment) {
    const table = tableOf(environment)
    return `Table ${idOf(table)}: ${asked[table.question]}`
  },
  actionOf(environment, { name, arguments: given }) {
    const action = actions.findIndex((one) => one === name)
    if (action < 0) return `There is no tool ${name}`
    const id = idOf(tableOf(environment))
    return given['table_id'] === id ? action : `table_id must be ${id}`
  },
  reply(environment) {
    const { last, state } = environment as Analysis
    const { table, done } = state
    if (last < 0) return ''
    if (last < changesFrom) return looked(last, table)
    if (last < testsFrom) return 'Done.'
    if (last >= conclusionsFrom) return answered
    const test = last - testsFrom
    if (test >> 1 !== questions.indexOf(table.question)) return reasons.misfit
    const statistic = statisticOf(table, test, done)
    return statistic === null ? reasons.refused : `Statistic: ${statistic.toFixed(2)}.`
  },
  observe({ opening, calls }) {
    const question = questions.find((one) => asked[one] === opened.exec(opening)?.[2])
    if (!question) return null
    const seen = calls.reduce(heard, { ...blank, question })
    const into = new Float32Array(observations)
    writeObservation(into, seen, calls.length)
    return into
  },
  argumentsOf: ({ opening }) => ({ table_id: opened.exec(opening)?.[1] ?? '' }),
}

const blank: Omit<Seen, 'question'> = {
  looked: 0,
  missing: 0,
  isBelowLimit: false,
  far: 0,
  isTyped: false,
  isRefused: false,
  done: 0,
  statistics: [null, null],
}

/** What is known after one more call. */
const heard = (seen: Seen, { name, reply }: { name: string; reply: string }): Seen => {
  const action = actions.findIndex((one) => one === name)
  const number = Number(/: (-?[\d.]+?)[;.]?(?: |$)/.exec(reply)?.[1] ?? 0)
  if (action < 0 || action >= conclusionsFrom) return seen
  if (action >= testsFrom) {
    if (reply === reasons.misfit) return seen
    if (reply === reasons.refused) return { ...seen, isRefused: true }
    const [values, ranked] = seen.statistics
    const isRanks = (action - testsFrom) % 2 === 1
    return { ...seen, statistics: isRanks ? [values, number] : [number, ranked] }
  }
  if (action >= changesFrom) {
    const change = action - changesFrom
    if (has(seen.done, change)) return seen
    return { ...seen, done: seen.done | bit(change), statistics: [null, null] }
  }
  const known = { ...seen, looked: seen.looked | bit(action) }
  if (action === 1) return { ...known, far: number }
  if (action === 2) return { ...known, isTyped: reply === reasons.typed }
  return { ...known, missing: number, isBelowLimit: reply.includes(reasons.belowLimit) }
}
