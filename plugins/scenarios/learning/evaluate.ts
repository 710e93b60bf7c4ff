/** How well somebody does on episodes of a split: for each task, with an interval. */
import { type Environment, type Scenario, seedOf, type Split } from '../environment.ts'
import { Random } from '../random.ts'
import { meansOf, type Rubric, rubricOf, scoreOf } from '../rubric.ts'

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

/** Side by side, where a step is more waiting than work. */
const lanes = 4

interface Seat {
  readonly environment: Environment
  readonly seen: Float32Array
  action: number
}

export const evaluate = (choose: Choose, options: EvaluationOptions): Result => {
  const { scenario, split, episodes, first = 0 } = options
  const random = new Random(1)
  const tally = new Tally(scenario)
  const seats = seatsOf(scenario)
  let next = first
  const sit = ({ environment, seen }: Seat): boolean => {
    if (next >= first + episodes) return false
    environment.reset(seedOf(split, next++), seen)
    return true
  }
  let playing = seats.filter(sit)
  while (playing.length > 0) {
    for (const seat of playing) {
      seat.action = choose(seat.seen, seat.environment, random)
      seat.environment.begin?.(seat.action)
    }
    playing = playing.filter((seat) => {
      const { reward, terminated, truncated } = seat.environment.step(seat.action, seat.seen)
      tally.step(reward)
      if (!terminated && !truncated) return true
      tally.episode(seat.environment)
      return sit(seat)
    })
  }
  for (const { environment } of seats) environment.close?.()
  return tally.result(episodes)
}

/** One, unless its environments can be told of an action before its answer is awaited. */
const seatsOf = (scenario: Scenario): Seat[] => {
  const seat = (environment: Environment): Seat => ({
    environment,
    seen: new Float32Array(scenario.spec.observations),
    action: 0,
  })
  const one = seat(scenario.make())
  if (!one.environment.begin) return [one]
  return [one, ...Array.from({ length: lanes - 1 }, () => seat(scenario.make()))]
}

class Tally {
  readonly #scenario: Scenario
  readonly #tasks: { episodes: number; successes: number }[]
  readonly #rubric: Rubric
  readonly #scores: Record<string, number>[] = []
  #successes = 0
  #reward = 0
  #length = 0

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#tasks = scenario.spec.tasks.map(() => ({ episodes: 0, successes: 0 }))
    this.#rubric = rubricOf(scenario)
  }

  step(reward: number): void {
    this.#reward += reward
    this.#length++
  }

  episode(environment: Environment): void {
    const task = this.#tasks[environment.task]
    const verdict = environment.verdict()
    const { score, components } = scoreOf(this.#rubric, verdict)
    this.#scores.push({ score, ...components })
    if (task) task.episodes++
    if (!verdict.success) return
    this.#successes++
    if (task) task.successes++
  }

  result(episodes: number): Result {
    const none = { episodes: 0, successes: 0 }
    const named = this.#scenario.spec.tasks.map(
      (name, i) => [name, this.#tasks[i] ?? none] as const,
    )
    return {
      episodes,
      successes: this.#successes,
      meanReward: this.#reward / episodes,
      meanLength: this.#length / episodes,
      tasks: Object.fromEntries(named),
      rubric: meansOf(this.#scores),
    }
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
