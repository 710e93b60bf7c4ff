/** What a training is told, and the settings that follow from it. */
import type { ScenarioSpec } from '../environment.ts'
import type { PpoSettings } from '../learning/ppo.ts'
import type { LanguageSettings, PromptSettings } from './language/settings.ts'

/** What each is and how its job is run: `algorithms.ts`. */
export const algorithmNames = [
  'bc+ppo',
  'bc',
  'ppo',
  'reinforce',
  'grpo',
  'torch-ppo',
  'llm-grpo',
  'prompt-opt',
] as const
export type AlgorithmName = (typeof algorithmNames)[number]

export interface TrainingSettings {
  readonly scenario: string
  readonly algorithm: AlgorithmName
  /** Episodes that may be played, those of the oracle counted too. */
  readonly episodes: number
  readonly learningRate: number
  readonly seed: number
  /** Episodes that were kept, to learn from instead of the oracle's. */
  readonly recorded?: RecordedFile
  /** That the job of `torch-ppo` is lent; absent: none. */
  readonly gpus?: number
  /** Of `llm-grpo`. */
  readonly language?: LanguageSettings
  /** Of `prompt-opt`. */
  readonly prompt?: PromptSettings
}

/** Episodes of a look while it trains, and of the last one. */
export const usualLooks = { validation: 300, last: 2_000 } as const

export interface GroupShape {
  /** Episodes of one seed. */
  readonly size: number
  /** At once. */
  readonly groups: number
  /** Of a minibatch. */
  readonly rows: number
}

/** A file of the job's: JSON, a list of `Performance`, all of which succeed. */
export interface RecordedFile {
  readonly sha256: string
  readonly sizeBytes: number
  readonly episodes: number
}

/** Where it lies in the work folder. */
export const recordedPath = 'recorded-episodes.json'

export interface Schedule {
  readonly hidden: readonly number[]
  /** Side by side. */
  readonly environments: number
  /** Of each environment between two updates. */
  readonly steps: number
  readonly ppo: PpoSettings
  /** The oracle's episodes that are learned from first. */
  readonly demonstrations: number
  readonly cloneRows: number
  /** null: each episode is weighed by a value network, not by others that began alike. */
  readonly groups: GroupShape | null
  /** Share of the learning rate with which trial goes on after the demonstrations. */
  readonly trialRate: number
  /** Goes down to nothing with the episodes that are left. */
  readonly anneals: boolean
}

/** With few episodes the oracle teaches most of them: learning by trial takes thousands. */
const demonstrationShare = 0.8
const maxDemonstrations = 500
const cloneRows = 128
const maxCloneEpochs = 300
/** Steps looked at in all epochs together. */
const cloneLooks = 250_000

const groupSize = 8
const maxGroups = 8
/** Steps that the episodes of all groups may have together. */
const maxGroupedSteps = 32_768

/** null: not even one group has room. */
export const groupShape = ({ maxSteps }: Pick<ScenarioSpec, 'maxSteps'>): GroupShape | null => {
  const groups = Math.min(maxGroups, Math.floor(maxGroupedSteps / (groupSize * maxSteps)))
  return groups < 1 ? null : { size: groupSize, groups, rows: 128 }
}

/** Epochs over so many demonstrated steps. */
export const cloneEpochs = (steps: number): number =>
  Math.max(3, Math.min(maxCloneEpochs, Math.round(cloneLooks / steps)))

/** Of so many episodes, those that are shown and not tried. */
export const shownOf = (algorithm: AlgorithmName, episodes: number, most: number): number => {
  const share = algorithm === 'bc' ? 1 : demonstrationShare
  return Math.max(1, Math.min(most, Math.round(episodes * share)))
}

export const scheduleOf = (
  { algorithm, episodes, recorded }: TrainingSettings,
  spec: ScenarioSpec,
): Schedule => {
  const clones = algorithm === 'bc' || algorithm === 'bc+ppo'
  const demonstrations = clones
    ? (recorded?.episodes ?? shownOf(algorithm, episodes, maxDemonstrations))
    : 0
  const isLong = spec.maxSteps > 100
  const environments = isLong ? 4 : 16
  const steps = isLong ? 128 : 16
  const plain = algorithm === 'reinforce'
  return {
    hidden: [64, 64],
    environments,
    steps,
    demonstrations,
    cloneRows,
    groups: algorithm === 'grpo' ? groupShape(spec) : null,
    // Where all goes well, advantages are noise: large steps by them undo what was copied.
    trialRate: clones ? 0.25 : 1,
    anneals: true,
    ppo: {
      gamma: 0.99,
      // One look at each step, and whole returns: REINFORCE with a learned baseline.
      lambda: plain ? 1 : 0.95,
      epochs: plain ? 1 : isLong || algorithm === 'grpo' ? 4 : 8,
      minibatches: 4,
      clip: 0.2,
      // Without a baseline for each state, groups agree too soon.
      entropy: algorithm === 'grpo' ? 0.03 : 0.01,
      valueWeight: 0.5,
      clipsValue: isLong,
      maxNorm: 0.5,
    },
  }
}
