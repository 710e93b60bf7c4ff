/** Scores a submission: what the program says of itself plays no part. */
import type { Blobs } from '../../../src/sdk.ts'
import { numberIn } from '../data/cell.ts'
import { readTable } from '../data/read-table.ts'
import type { KeptFile } from '../journal/node.ts'
import { bootstrapInterval } from './bootstrap.ts'
import { metricOf, scoreOf } from './metrics.ts'
import { type Predictions, readPredictions } from './predictions.ts'
import type { Judgement, Prepared } from './referee.ts'
import type { Task } from './task.ts'
import type { Truth } from './truth.ts'

/** The same for every program, so that two scores are drawn alike. */
const bootstrapSeed = 20_231

/** A program that writes more than this did not write predictions. */
const maxSubmissionBytes = 2 ** 30

const unscored = (
  failure: NonNullable<Judgement['failure']>,
  problem: string,
  warnings: readonly string[] = [],
): Judgement => ({
  metric: null,
  selectionMetric: null,
  interval: null,
  problem,
  failure,
  warnings,
})

export const judgeSubmission = async (
  blobs: Blobs,
  task: Task,
  prepared: Prepared,
  truth: Truth,
  submission: KeptFile | null,
): Promise<Judgement> => {
  const bytes = submission === null ? null : await blobs.get(submission.sha256)
  if (submission === null || bytes === null) {
    const columns = prepared.submissionColumns.join(', ')
    const wanted = `working/submission.csv with the columns ${columns}`
    return unscored('no_predictions', `The program left no ${wanted}`)
  }
  if (submission.sizeBytes > maxSubmissionBytes) {
    return unscored('invalid_predictions', 'The submission is larger than 1 GiB')
  }
  const predictions = await readPredictions(bytes, task, prepared, truth)
  if (typeof predictions === 'string') return unscored('invalid_predictions', predictions)
  const warnings = [
    ...predictions.warnings,
    ...constantWarnings(predictions, task),
    ...(await copyWarnings(blobs, prepared, predictions)),
  ]
  const metric = scoreOf(task.metric, predictions.search)
  if (typeof metric === 'string') {
    return unscored('non_finite_metric', `${task.metric} cannot be computed: ${metric}`, warnings)
  }
  const selection = scoreOf(task.metric, predictions.selection)
  if (typeof selection === 'string') {
    warnings.push(`${task.metric} cannot be computed on the selection part: ${selection}.`)
  }
  if (isPerfect(task, metric) && (typeof selection === 'string' || isPerfect(task, selection))) {
    warnings.push('Every prediction is right: look for a leak of the target.')
  }
  return {
    metric,
    selectionMetric: typeof selection === 'string' ? null : selection,
    interval: await bootstrapInterval(task.metric, predictions.search, bootstrapSeed),
    problem: null,
    failure: null,
    warnings,
  }
}

/** The value that the metric has when nothing is wrong. */
const isPerfect = (task: Task, score: number): boolean =>
  metricOf(task.metric).maximize ? score >= 1 - 1e-12 : score <= 1e-12

const constantWarnings = ({ all }: Predictions, task: Task): string[] => {
  const width = all.predicted.length / all.truth.length
  const isConstant = all.predicted.every((value, i) => value === all.predicted[i % width])
  return isConstant && all.truth.length > 1
    ? [`All predictions of "${task.target}" are the same.`]
    : []
}

/** More than this is not read again for every program. */
const maxCopyCheckBytes = 20_000_000

/** Predictions that are a column of the input say nothing that the input does not. */
const copyWarnings = async (
  blobs: Blobs,
  prepared: Prepared,
  { all }: Predictions,
): Promise<string[]> => {
  const test = prepared.visible.find(({ path }) => path === 'test.csv')
  const rows = all.truth.length
  const width = all.predicted.length / rows
  if (!test || test.sizeBytes > maxCopyCheckBytes || rows < 10 || width > 2) return []
  const bytes = await blobs.get(test.sha256)
  if (!bytes) return []
  const table = await readTable(bytes)
  const alive = table.columns.map(() => true)
  let row = 0
  for await (const batch of table.batches) {
    for (const fields of batch) {
      const predicted = all.predicted[row * width + width - 1]!
      row++
      for (let c = 0; c < alive.length; c++) {
        if (alive[c] && numberIn(fields[c]!) !== predicted) alive[c] = false
      }
    }
    if (!alive.includes(true)) break
  }
  return table.columns
    .filter((_, column) => alive[column])
    .map((column) => `The predictions are a copy of the column "${column}".`)
}
