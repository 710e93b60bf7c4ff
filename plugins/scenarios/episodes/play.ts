/** One episode from its first observation to its verdict, with what was said. */
import { type Environment, type Scenario, seedOf, type Split } from '../environment.ts'
import { baselines } from '../learning/evaluate.ts'
import { asKept, type Trajectory, type TrajectoryStep } from '../gateway/trajectory.ts'
import type { Policy } from '../models/policy.ts'
import { Random } from '../random.ts'
import { judge } from '../rubric.ts'

export const players = ['random', 'heuristic', 'oracle'] as const
export type Player = (typeof players)[number]

export const play = (
  scenario: Scenario,
  player: Player | Policy,
  split: Split,
  episode: number,
): Played => {
  const random = new Random(episode)
  const game = turns(scenario, split, episode)
  let turn = game.next()
  while (!turn.done) {
    const { observation, environment } = turn.value
    const action =
      typeof player === 'string'
        ? baselines[player](observation, environment, random)
        : player.act(observation, environment.mask()).action
    turn = game.next(action)
  }
  return turn.value
}

/** As `play`, by one who takes its time; what `act` throws ends the episode. */
export const playWith = async (
  scenario: Scenario,
  act: (turn: Turn) => Promise<number>,
  split: Split,
  episode: number,
): Promise<Played> => {
  const game = turns(scenario, split, episode)
  let turn = game.next()
  while (!turn.done) {
    const action = await act(turn.value).catch((error: unknown) => {
      game.return(undefined as never)
      throw error
    })
    turn = game.next(action)
  }
  return turn.value
}

export interface Turn {
  /** Overwritten by the next step. */
  readonly observation: Float32Array
  readonly environment: Environment
}

export type Played = ReturnType<typeof turns> extends Generator<Turn, infer Told> ? Told : never

/** The episode, asking for the action of each step. */
const turns = function* (scenario: Scenario, split: Split, episode: number) {
  const { spec, conversation } = scenario
  const environment = scenario.make()
  try {
    const observation = new Float32Array(spec.observations)
    environment.reset(seedOf(split, episode), observation)
    const opening = conversation?.opening(environment)
    const transcript = opening === undefined ? [] : [{ role: 'user', text: opening }]
    const steps: (TrajectoryStep & { readonly observation: readonly number[] })[] = []
    let total = 0
    for (let isOver = false; !isOver;) {
      const seen = [...observation]
      const action: number = yield { observation, environment } satisfies Turn
      const { reward, terminated, truncated } = environment.step(action, observation)
      const name = spec.actions[action] ?? String(action)
      steps.push({ observation: seen, action, name, reward, terminated, truncated })
      if (conversation) {
        transcript.push({ role: 'agent', text: name })
        transcript.push({ role: 'tool', text: conversation.reply(environment) })
      }
      total += reward
      isOver = terminated || truncated
    }
    const task = spec.tasks[environment.task] ?? ''
    const { verdict, rubric } = judge(scenario, environment)
    return {
      scenario: spec.id,
      split,
      episode,
      task,
      steps,
      transcript,
      reward: total,
      verdict,
      rubric,
    }
  } finally {
    environment.close?.()
  }
}

/** The episode as it is kept: observations follow from the seed and the actions. */
export const trajectoryOf = (scenario: Scenario, player: string, played: Played): Trajectory => {
  const steps = played.steps.map(({ observation: _, ...step }) => step)
  const messages = played.transcript.map(({ role, text }) => ({ role, content: text }))
  return asKept(scenario, player, {
    ...played,
    steps,
    ...(scenario.conversation && { messages }),
  })
}
