/** Works on predictions that nodes left behind: blends of them, and how sure one is the better. */
import type { Blobs } from '../../../src/sdk.ts'
import type { Row } from '../data/csv.ts'
import type { KeptFile } from '../journal/node.ts'
import { type Ensemble, type Member, selectEnsemble } from './ensemble.ts'
import { metricOf } from './metrics.ts'
import { type Comparison, compareOnSelection } from './noise.ts'
import { type Predictions, readPredictions } from './predictions.ts'
import type { Prepared } from './referee.ts'
import type { Task } from './task.ts'
import { readTruth, type Truth } from './truth.ts'
import { writeTable } from './write-file.ts'

export interface StoredPredictions {
  readonly node: string
  readonly predictions: KeptFile
}

export interface BlendedFile extends Ensemble {
  /** A submission like that of any program, for `Referee.judge`. */
  readonly submission: KeptFile
}

/** Blends what can be read of `stored`; null when fewer than two can. */
export const blendStored = async (
  blobs: Blobs,
  task: Task,
  prepared: Prepared,
  stored: readonly StoredPredictions[],
): Promise<BlendedFile | null> => {
  const truth = await truthOf(blobs, prepared)
  const members: Member[] = []
  for (const { node, predictions } of stored) {
    const read = await readStored(blobs, task, prepared, truth, predictions)
    if (read) members.push({ node, predicted: read.all.predicted })
  }
  const { classes } = prepared
  const ensemble = await selectEnsemble(task.metric, truth, classes.length, members)
  if (!ensemble) return null
  const rows = submissionRows(task, prepared, truth, ensemble.predicted)
  return { ...ensemble, submission: await writeTable(blobs, 'working/submission.csv', rows) }
}

/** How much better `after` is than `before` on the selection part; null when it cannot be told. */
export const compareStored = async (
  blobs: Blobs,
  task: Task,
  prepared: Prepared,
  before: KeptFile,
  after: KeptFile,
): Promise<Comparison | null> => {
  const truth = await truthOf(blobs, prepared)
  const first = await readStored(blobs, task, prepared, truth, before)
  const second = await readStored(blobs, task, prepared, truth, after)
  if (!first || !second) return null
  return await compareOnSelection(task.metric, first, second)
}

const truthOf = async (blobs: Blobs, { truth }: Prepared): Promise<Truth> => {
  const bytes = await blobs.get(truth.sha256)
  if (!bytes) throw new Error('The truth of an experiment is not stored any more')
  return await readTruth(bytes)
}

const readStored = async (
  blobs: Blobs,
  task: Task,
  prepared: Prepared,
  truth: Truth,
  file: KeptFile,
): Promise<Predictions | null> => {
  const bytes = await blobs.get(file.sha256)
  if (!bytes) return null
  const read = await readPredictions(bytes, task, prepared, truth)
  return typeof read === 'string' ? null : read
}

function* submissionRows(
  task: Task,
  { submissionColumns, classes }: Prepared,
  truth: Truth,
  predicted: Float64Array,
): Generator<Row> {
  yield submissionColumns
  const { needs } = metricOf(task.metric)
  const width = predicted.length / truth.ids.length
  for (let row = 0; row < truth.ids.length; row++) {
    const values = predicted.subarray(row * width, (row + 1) * width)
    const id = truth.ids[row]!
    if (needs === 'label') yield [id, classes[values[0]!]!]
    else if (width === 2) yield [id, String(values[1])]
    else yield [id, ...Array.from(values, String)]
  }
}
