/** Plays a kept episode again: its actions, from its seed, in the scenario as it is now. */
import { type Environment, type Scenario, seedOf } from '../environment.ts'
import type { Trajectory, TrajectoryStep } from '../gateway/trajectory.ts'
import { type Judgement, judge } from '../rubric.ts'

export interface Replayed extends Judgement {
  readonly reward: number
  readonly task: string
  /** Those that could be done. */
  readonly steps: readonly TrajectoryStep[]
  /** Why not all of its actions could be done; null: they could. */
  readonly broken: string | null
}

/** What is seen before each step: `observation` is `[observations]` and changes afterwards. */
export type Watch = (seen: {
  readonly observation: Float32Array
  readonly environment: Environment
  readonly action: number
}) => void

type Played = Pick<Trajectory, 'split' | 'episode'> & {
  readonly steps: readonly { readonly action: number }[]
}

export const replay = (scenario: Scenario, played: Played, watch?: Watch): Replayed => {
  const { spec } = scenario
  const environment = scenario.make()
  const observation = new Float32Array(spec.observations)
  environment.reset(seedOf(played.split, played.episode), observation)
  const task = spec.tasks[environment.task] ?? ''
  const steps: TrajectoryStep[] = []
  let reward = 0
  let isOver = false
  let broken: string | null = null
  for (const [i, { action }] of played.steps.entries()) {
    if (isOver) broken = `The episode ended after ${i} of ${played.steps.length} steps`
    else if (!isPossible(environment, action)) broken = `Step ${i + 1} is not possible any more`
    if (broken !== null) break
    watch?.({ observation, environment, action })
    const step = environment.step(action, observation)
    steps.push({ action, name: spec.actions[action] ?? '', ...step })
    reward += step.reward
    isOver = step.terminated || step.truncated
  }
  const { verdict, rubric } = judge(scenario, environment)
  environment.close?.()
  // Whoever broke off has failed, whatever the state looks like.
  const judged = isOver ? verdict : { ...verdict, success: false }
  return { reward, task, steps, verdict: judged, rubric, broken }
}

const isPossible = (environment: Environment, action: number): boolean =>
  action >= 0 && action < environment.actions && environment.mask()?.[action] !== 0
