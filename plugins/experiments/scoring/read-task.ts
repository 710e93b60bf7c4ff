/** Reads what is to be predicted, and how it is measured, from what the user wrote and uploaded. */
import { HearthError } from '../../../src/sdk.ts'
import type { ColumnSummary, TableSummary } from '../data/preview.ts'
import { defaultMetric, type MetricName, metricNames, metricOf } from './metrics.ts'
import { metricIn, metricNamed, nearest } from './metric-words.ts'
import { minRows } from './rows.ts'
import type { Task, TaskKind } from './task.ts'
import { canBe, kindOfColumn } from './task-kind.ts'
import { groupOf, idOf } from './task-columns.ts'
import { findTarget } from './task-target.ts'

export interface TaskQuestion {
  readonly goal: string
  readonly evaluation: string | null
  /** Of all uploaded tables. */
  readonly tables: readonly TableSummary[]
  /** As the settings have them. `target: null`: nothing is to be scored. */
  readonly asked: {
    readonly target?: string | null
    readonly metric?: string
    readonly idColumn?: string
    readonly groupColumn?: string
  }
}

export type TaskAnswer =
  | { readonly task: Task; readonly reason: null }
  /** `reason`: why the server cannot score, in a sentence for people. */
  | { readonly task: null; readonly reason: string }

const none = (reason: string): TaskAnswer => ({ task: null, reason })

const invalid = (setting: string, message: string): HearthError =>
  new HearthError('validation', message, { issues: [{ path: `/${setting}`, message }] })

/** @throws HearthError `validation` for a target, metric or column that was given and cannot be */
export const readTask = (question: TaskQuestion): TaskAnswer => {
  const { goal, evaluation, asked } = question
  const text = `${goal}\n${evaluation ?? ''}`
  const wanted = asked.metric === undefined ? null : givenMetric(asked.metric)
  if (asked.target === null) return none('The settings ask for no target.')
  const found = findTarget(question)
  if (found === null) {
    const said = question.tables.length === 0 ? 'No table was uploaded.' : 'No column is a target.'
    if (wanted !== null) throw invalid('metric', `${said} A metric needs a target to be computed.`)
    return none(said)
  }
  const { table, column, source, because } = found
  const refuse = (message: string): TaskAnswer => {
    if (source === 'given') throw invalid('target', message)
    return none(message)
  }
  const rows = table.rows - column.missing
  const quoted = `"${column.name}" of ${table.path}`
  if (rows < minRows) {
    return refuse(`${quoted} has ${rows} values; a score needs at least ${minRows}.`)
  }
  const read = evaluation === null ? null : metricIn(evaluation, true)
  const metricRead = read ?? metricIn(goal, false)
  const chosen = chooseMetric(column, table, text, wanted, metricRead?.name ?? null)
  if (chosen === null) {
    if (wanted !== null) throw invalid('metric', `${wanted} cannot be computed for ${quoted}.`)
    return refuse(`${quoted} has no values that could be predicted.`)
  }
  const { kind, metric, how } = chosen
  const group = groupOf(question, table, column.name, kind)
  if (kind === 'ranking' && group === null) {
    const message = `${metric} needs a group column: the query that a row belongs to.`
    if (wanted !== null) throw invalid('groupColumn', message)
    return none(message)
  }
  const words = how === 'read' ? ` ("${metricRead?.words}")` : ''
  const explanations = {
    given: `${metric} was given as the metric.`,
    read: `The metric is ${metric}, which the text names${words}.`,
    usual: `${metric} is the usual metric for this kind of target.`,
  }
  return {
    reason: null,
    task: {
      kind,
      target: column.name,
      metric,
      maximize: metricOf(metric).maximize,
      table: table.path,
      id: idOf(question, table, column.name, group),
      group,
      source,
      explanation: `${because} ${explanations[how]}`,
    },
  }
}

const givenMetric = (given: string): MetricName => {
  const metric = metricNamed(given)
  if (metric !== null) return metric
  const near = nearest(given)
  const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'It is one of: '
  const all = near.length > 0 ? '' : `${metricNames.join(', ')}.`
  throw invalid('metric', `There is no metric "${given}". ${hint}${all}`)
}

interface Chosen {
  readonly kind: TaskKind
  readonly metric: MetricName
  readonly how: 'given' | 'read' | 'usual'
}

const chooseMetric = (
  column: ColumnSummary,
  table: TableSummary,
  text: string,
  given: MetricName | null,
  read: MetricName | null,
): Chosen | null => {
  const natural = kindOfColumn(column, table, text)
  const fit = (metric: MetricName, how: Chosen['how']): Chosen | null => {
    const { kinds } = metricOf(metric)
    if (natural !== null && kinds.includes(natural)) return { kind: natural, metric, how }
    const spread = natural === 'multiclass' ? forManyClasses[metric] : undefined
    if (spread !== undefined) return { kind: 'multiclass', metric: spread, how }
    // A text that speaks of accuracy makes no classes of numbers that are met once or twice.
    if (how === 'read' && natural === 'regression' && column.unique > 50) return null
    const kind = kinds.find((one) => canBe(one, column))
    return kind === undefined ? null : { kind, metric, how }
  }
  if (given !== null) return fit(given, 'given')
  const chosen = read === null ? null : fit(read, 'read')
  if (chosen !== null) return chosen
  return natural === null ? null : { kind: natural, metric: defaultMetric[natural], how: 'usual' }
}

/** What is meant by a metric of two classes where there are more. */
const forManyClasses: { readonly [name in MetricName]?: MetricName } = {
  f1: 'f1_macro',
  precision: 'precision_macro',
  recall: 'recall_macro',
}
