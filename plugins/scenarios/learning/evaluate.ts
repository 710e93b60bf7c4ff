/** How well somebody does on episodes of a split: for each task, with an interval. */
import { type Environment, type Scenario, seedOf, type Split } from '../environment.ts'
import { Random } from '../random.ts'
import { meansOf, rubricOf, scoreOf } from '../rubric.ts'

/** Chooses an action by the observation; `mask` as of the environment. */
export type Choose = (observation: Float32Array, environment: Environment, random: Random) => number

export interface Result {
  readonly episodes: number
  readonly successes: number
  readonly meanReward: number
  readonly meanLength: number
  /** By the names of the tasks. */
  readonly tasks: Readonly<
    Record<string, { readonly episodes: number; readonly successes: number }>
  >
  /** Means of the score and of each of its parts. Absent in results of earlier versions. */
  readonly rubric?: Readonly<Record<string, number>>
}

export interface EvaluationOptions {
  readonly scenario: Scenario
  readonly split: Split
  readonly episodes: number
  readonly first?: number
}

export const evaluate = (choose: Choose, options: EvaluationOptions): Result => {
  const { scenario, split, episodes, first = 0 } = options
  const { observations, tasks: names } = scenario.spec
  const environment = scenario.make()
  const random = new Random(1)
  const observation = new Float32Array(observations)
  const tasks = names.map(() => ({ episodes: 0, successes: 0 }))
  const rubric = rubricOf(scenario)
  const scores: Record<string, number>[] = []
  let successes = 0
  let reward = 0
  let length = 0
  for (let n = first; n < first + episodes; n++) {
    environment.reset(seedOf(split, n), observation)
    for (let isOver = false; !isOver; length++) {
      const step = environment.step(choose(observation, environment, random), observation)
      reward += step.reward
      isOver = step.terminated || step.truncated
    }
    const task = tasks[environment.task]
    const verdict = environment.verdict()
    const { score, components } = scoreOf(rubric, verdict)
    scores.push({ score, ...components })
    if (task) task.episodes++
    if (!verdict.success) continue
    successes++
    if (task) task.successes++
  }
  environment.close?.()
  return {
    episodes,
    successes,
    meanReward: reward / episodes,
    meanLength: length / episodes,
    tasks: Object.fromEntries(names.map((name, i) => [name, tasks[i] as (typeof tasks)[number]])),
    rubric: meansOf(scores),
  }
}

/** Those that every learner is put beside. */
export const baselines: Readonly<Record<'random' | 'heuristic' | 'oracle', Choose>> = {
  random(_, environment, random) {
    const mask = environment.mask()
    if (!mask) return random.below(environment.actions)
    const open = [...mask.keys()].filter((action) => mask[action] === 1)
    return random.pick(open)
  },
  heuristic: (_, environment, random) => environment.heuristic(random),
  oracle: (_, environment) => environment.oracle(),
}

/** 95 % interval of a share (Wilson 1927), from 0 to 1. */
export const wilson = (successes: number, count: number): readonly [number, number] => {
  if (count === 0) return [0, 1]
  const z = 1.959964
  const share = successes / count
  const middle = share + z ** 2 / (2 * count)
  const half = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))
  const whole = 1 + z ** 2 / count
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)]
}
