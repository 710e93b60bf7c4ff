/** What whoever writes and reads programs is told of the experiment. */
import type { Experiment } from '../experiment.ts'
import type { Journal } from '../journal/journal.ts'
import type { ProposeContext } from '../propose/proposer.ts'
import type { Groundwork } from './groundwork.ts'

export interface Situation {
  readonly journal: Journal
  readonly step: number
  readonly stepsLeft: number
  readonly secondsLeft: number | null
  readonly packages: ProposeContext['packages']
  readonly random: ProposeContext['random']
  readonly signal: AbortSignal
}

export const proposeContext = (
  { id, goal, evaluation, settings }: Experiment,
  { task, preview }: Groundwork,
  situation: Situation,
): ProposeContext => ({
  experimentId: id,
  goal,
  evaluation,
  task,
  preview: settings.dataPreview ? preview : null,
  timeoutS: settings.exec.timeoutS,
  kFold: settings.kFold,
  exposePrediction: settings.exposePrediction,
  ...situation,
})
