/** One episode from its first observation to its verdict, with what was said. */
import { type Scenario, seedOf, type Split } from '../environment.ts'
import { baselines } from '../learning/evaluate.ts'
import type { Trajectory, TrajectoryStep } from '../gateway/trajectory.ts'
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
) => {
  const { spec, conversation } = scenario
  const environment = scenario.make()
  const observation = new Float32Array(spec.observations)
  const random = new Random(episode)
  environment.reset(seedOf(split, episode), observation)
  const transcript = conversation ? [{ role: 'user', text: conversation.opening(environment) }] : []
  const steps: (TrajectoryStep & { readonly observation: readonly number[] })[] = []
  let total = 0
  for (let isOver = false; !isOver;) {
    const seen = [...observation]
    const action =
      typeof player === 'string'
        ? baselines[player](observation, environment, random)
        : player.act(observation, environment.mask()).action
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
  environment.close?.()
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
}

/** The episode as it is kept: observations follow from the seed and the actions. */
export const trajectoryOf = (
  { spec, conversation }: Scenario,
  player: string,
  played: ReturnType<typeof play>,
): Trajectory => {
  const { split, episode, task, reward, verdict, rubric } = played
  const steps = played.steps.map(({ observation: _, ...step }) => step)
  const messages = played.transcript.map(({ role, text }) => ({ role, content: text }))
  return {
    scenario: { id: spec.id, version: spec.version },
    split,
    episode,
    seed: seedOf(split, episode),
    task,
    player,
    steps,
    ...(conversation && { messages }),
    reward,
    verdict,
    rubric,
  }
}
