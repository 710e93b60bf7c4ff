/** The interface of the referee: splits the data once, and computes every score itself. */
import { type Blobs, HearthError } from '../../../src/sdk.ts'
import type { KeptFile } from '../journal/node.ts'
import { judgeSubmission } from './judge.ts'
import { prepareSplit } from './prepare.ts'
import type { Task } from './task.ts'
import { readTruth, type Truth } from './truth.ts'

/** An input of the experiment as it was uploaded. `path` is its original name. */
export type InputFile = KeptFile

export interface Prepared {
  /**
   * What programs find in `./input`: the training part under the table's own name, `test.csv` with
   * all rows to predict and no target, `sample_submission.csv`, and the other files as they were,
   * but for those that tell hidden targets.
   */
  readonly visible: readonly KeptFile[]
  /** Truth and part of each row to predict: never leaves the server. */
  readonly truth: KeptFile
  readonly rows: { readonly train: number; readonly search: number; readonly selection: number }
  readonly idColumn: string
  /** Columns of a submission: the id, then one, or one for each class. */
  readonly submissionColumns: readonly string[]
  /** Class labels in the order of probability columns; empty for regression and ranking. */
  readonly classes: readonly string[]
  /** For people and proposers: columns that give the target away, files that are kept back. */
  readonly notes?: readonly string[]
}

export interface Judgement {
  /** On the search part; null with a `problem`. */
  readonly metric: number | null
  /** On the selection part. */
  readonly selectionMetric: number | null
  readonly interval: readonly [number, number] | null
  /** Why the predictions cannot be scored, for people and for the proposer. */
  readonly problem: string | null
  readonly failure: 'no_predictions' | 'invalid_predictions' | 'non_finite_metric' | null
  /** Constant predictions, say. */
  readonly warnings: readonly string[]
}

export interface Referee {
  /** The same files, task and seed give the same split. @throws HearthError `validation` */
  prepare(files: readonly InputFile[], task: Task, seed: number): Promise<Prepared>
  /** `submission` is what the program left at `working/submission.csv`; null: nothing. */
  judge(task: Task, prepared: Prepared, submission: KeptFile | null): Promise<Judgement>
}

/** Truths that are kept in memory: those of the experiments that run. */
const maxTruths = 16

export const createReferee = ({ blobs }: { readonly blobs: Blobs }): Referee => {
  const truths = new Map<string, Promise<Truth>>()

  const read = async ({ sha256 }: KeptFile): Promise<Truth> => {
    const bytes = await blobs.get(sha256)
    if (!bytes) throw new HearthError('gone', 'What is to be predicted is no longer stored')
    return await readTruth(bytes)
  }

  const truthOf = (file: KeptFile): Promise<Truth> => {
    const known = truths.get(file.sha256) ?? read(file)
    truths.delete(file.sha256)
    truths.set(file.sha256, known)
    known.catch(() => truths.delete(file.sha256))
    const oldest = truths.keys().next().value
    if (truths.size > maxTruths && oldest !== undefined) truths.delete(oldest)
    return known
  }

  return {
    prepare: (files, task, seed) => prepareSplit(blobs, files, task, seed),
    judge: async (task, prepared, submission) =>
      judgeSubmission(blobs, task, prepared, await truthOf(prepared.truth), submission),
  }
}
