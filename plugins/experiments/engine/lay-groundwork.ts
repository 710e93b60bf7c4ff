/** Looks at the data of an experiment once, before its first program: task, split, preview. */
import { type Blobs, HearthError } from '../../../src/sdk.ts'
import { previewOf } from '../data/preview.ts'
import type { Experiment } from '../experiment.ts'
import type { KeptFile } from '../journal/node.ts'
import { readTask } from '../scoring/read-task.ts'
import type { Prepared, Referee } from '../scoring/referee.ts'
import type { Task } from '../scoring/task.ts'
import type { Groundwork } from './groundwork.ts'

export interface GroundworkOptions {
  readonly blobs: Blobs
  readonly referee: Referee
}

export interface LaidGroundwork extends Groundwork {
  /** Why the server cannot score; null when it can. */
  readonly reason: string | null
}

/**
 * The same files, words and settings give the same groundwork: after a restart it is laid again.
 * @throws HearthError `validation` for a target or metric that the data cannot have
 */
export const layGroundwork = async (
  { blobs, referee }: GroundworkOptions,
  experiment: Experiment,
  inputs: readonly KeptFile[],
): Promise<LaidGroundwork> => {
  const { task, prepared, reason, seen } = await taskOf(referee, blobs, experiment, inputs)
  const visible = prepared?.visible ?? inputs
  const preview = seen ?? (await previewOf(visible, { blobs, notes: notesOf(task, prepared) }))
  return { task, prepared, visible, preview, reason }
}

/** `seen` is the preview, when programs see just what was looked at here. */
const taskOf = async (
  referee: Referee,
  blobs: Blobs,
  { goal, evaluation, settings, ...known }: Experiment,
  inputs: readonly KeptFile[],
) => {
  if (known.task && known.prepared) {
    return { task: known.task, prepared: known.prepared, reason: null, seen: null }
  }
  const seen = await previewOf(inputs, { blobs })
  const asked = settings
  const { task, reason } = readTask({ goal, evaluation, tables: seen.tables, asked })
  if (!task) return { task, prepared: null, reason, seen }
  try {
    const prepared = await referee.prepare(inputs, task, settings.seed)
    return { task, prepared, reason: null, seen: null }
  } catch (error) {
    // What nobody asked for need not be possible: programs are taken at their word then.
    const isOurs = error instanceof HearthError && error.code === 'validation'
    if (task.source === 'given' || !isOurs) throw error
    return { task: null, prepared: null, reason: error.message, seen }
  }
}

const notesOf = (task: Task | null, prepared: Prepared | null): string[] => {
  if (!task || !prepared) return []
  const { train, search, selection } = prepared.rows
  return [
    `\`${task.table}\` holds the ${train} rows to learn from, with the target \`${task.target}\`.`,
    `\`test.csv\` holds ${search + selection} rows to predict, without it.`,
    ...(prepared.notes ?? []),
  ]
}
