/** An episode as it is kept: what was done from its seed on, and how it was judged. */
import { type Scenario, seedOf, type Split, type Verdict } from '../environment.ts'
import type { Score } from '../rubric.ts'

export interface TrajectoryStep {
  readonly action: number
  readonly name: string
  readonly reward: number
  readonly terminated: boolean
  readonly truncated: boolean
  /** Of whoever drew the action, natural; absent: it was not drawn, or nobody told. */
  readonly logProbability?: number
}

/** OpenAI's message of a chat. */
export type ChatMessage = Readonly<Record<string, unknown>> & { readonly role: string }

export interface Trajectory {
  readonly scenario: { readonly id: string; readonly version: number }
  readonly split: Split
  readonly episode: number
  readonly seed: number
  readonly task: string
  /** Who acted: a model's id or name, or a scripted player's. */
  readonly player: string
  readonly steps: readonly TrajectoryStep[]
  /** What was said, where words were exchanged. */
  readonly messages?: readonly ChatMessage[]
  readonly reward: number
  readonly verdict: Verdict
  readonly rubric: Score
}

/** What whoever played it can tell. */
export type Told = Omit<Trajectory, 'scenario' | 'seed' | 'player'>

export const asKept = ({ spec }: Scenario, player: string, told: Told): Trajectory => {
  const { split, episode, task, steps, messages, reward, verdict, rubric } = told
  return {
    scenario: { id: spec.id, version: spec.version },
    split,
    episode,
    seed: seedOf(split, episode),
    task,
    player,
    steps,
    ...(messages && { messages }),
    reward,
    verdict,
    rubric,
  }
}
