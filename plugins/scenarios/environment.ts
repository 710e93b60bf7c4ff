/**
 * What a scenario is: an environment with the semantics of Gymnasium, that can be saved at any
 * moment, proves by an oracle that it can be solved, and judges by its final state.
 */
import type { ScenarioSource } from './outside/definition.ts'
import type { Random } from './random.ts'
import type { Rubric } from './rubric.ts'

export interface ScenarioSpec {
  /** Stable; a change that could change what is learned raises `version`. */
  readonly id: string
  readonly version: number
  readonly name: string
  readonly description: string
  readonly difficulty: 'beginner' | 'intermediate' | 'advanced'
  /** Kinds of episodes; results are told for each. */
  readonly tasks: readonly string[]
  /** Length of an observation. */
  readonly observations: number
  /** Names of the actions, in the order of their numbers. */
  readonly actions: readonly string[]
  /** After so many steps an episode is cut off (`truncated`). */
  readonly maxSteps: number
  /** The scripted players that it has; absent: both. */
  readonly scripted?: readonly ('heuristic' | 'oracle')[]
  readonly metrics: readonly string[]
  readonly features: readonly string[]
}

export interface Verdict {
  readonly success: boolean
  /** Parts of the judgement, from 0 to 1. */
  readonly components: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

export interface Step {
  readonly reward: number
  /** The episode came to its end by itself. */
  readonly terminated: boolean
  /** It was cut off: what would have followed still counts. */
  readonly truncated: boolean
}

export interface Environment {
  /** How many there are. */
  readonly actions: number
  /** The same seed gives the same episode. Writes the first observation into `into`. */
  reset(seed: number, into: Float32Array): void
  /** Says the action of the next `step` early, so that many may be at work at once. */
  begin?(action: number): void
  /** @throws Error after the end of the episode, until it is reset */
  step(action: number, into: Float32Array): Step
  /** Which kind of episode it is: an index into `tasks`. */
  readonly task: number
  /** Actions that are possible now, as 1; null: all are. */
  mask(): Uint8Array | null
  /** The action of one who sees everything. */
  oracle(): number
  /** The action of a scripted rule that sees what the policy sees. */
  heuristic(random: Random): number
  verdict(): Verdict
  /** Everything that the rest of the episode depends on, JSON. */
  save(): unknown
  load(state: unknown): void
  /** Gives back what it holds outside of this process; it is not used any more. */
  close?(): void
}

/** A tool that an agent may call, as language models are told of it. */
export interface Tool {
  /** The action's name. */
  readonly name: string
  readonly description: string
  /** JSON schema of the arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>
}

export interface ToolCall {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** What an agent has seen of an episode in words. */
export interface Heard {
  readonly opening: string
  /** The calls that stood for actions, and what they brought to light. */
  readonly calls: readonly { readonly name: string; readonly reply: string }[]
}

/** The same episode in words: for agents that talk and call tools. */
export interface Conversation {
  readonly system: string
  readonly tools: readonly Tool[]
  /** Replies that end an episode: who only reads along knows it by them. Absent: by none. */
  readonly closings?: readonly string[]
  /** What the user says first; it tells no more than the first observation. */
  opening(environment: Environment): string
  /** The action that a call stands for, or why it stands for none: told to the agent, no step. */
  actionOf(environment: Environment, call: ToolCall): number | string
  /** What the last action brought to light. */
  reply(environment: Environment): string
  /** The observation after it, as the environment would write it; null: nothing of it is known. */
  observe(heard: Heard): Float32Array | null
  /** The arguments of a call that stands for the action. */
  argumentsOf(heard: Heard, action: number): Readonly<Record<string, unknown>>
}

export interface Scenario {
  readonly spec: ScenarioSpec
  /** null: there is nothing to be said in it. */
  readonly conversation: Conversation | null
  /** How its verdicts become scores. Absent: see `rubricOf`. */
  readonly rubric?: Rubric
  /** Fingerprint of what it does, where whoever brings it has one. Absent: see `scenarioHash`. */
  readonly hash?: string
  make(): Environment
  /** How a job comes by it; absent: it is part of the program. */
  readonly source?: ScenarioSource
  /** Episodes of the looks while it trains, and of the last one; absent: the usual. */
  readonly evaluations?: { readonly validation: number; readonly last: number }
  /** False once an environment was loaded that may not go on as it would have. Absent: never. */
  isExact?(): boolean
}

/** Seeds of each split; disjoint by construction, as their upper bits differ. */
export const splits = { train: 0, validation: 1, test: 2 } as const
export type Split = keyof typeof splits

const perSplit = 2 ** 40

/** The n-th seed of a split, n from 0. @throws RangeError beyond the split */
export const seedOf = (split: Split, n: number): number => {
  if (!Number.isInteger(n) || n < 0 || n >= perSplit) throw new RangeError(`No seed ${n}`)
  return splits[split] * perSplit + n
}

/** Whose seed it is, and the how manieth. */
export const seedsOf = (seed: number): { readonly split: number; readonly n: number } => ({
  split: Math.floor(seed / perSplit),
  n: seed % perSplit,
})
