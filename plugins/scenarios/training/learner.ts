/** One turn of learning by trial: episodes, and the update by them; PPO's way or in groups. */
import type { Scenario } from '../environment.ts'
import type { ActorCritic } from '../learning/actor-critic.ts'
import { groupFloats, Groups, type GroupState } from '../learning/groups.ts'
import { updateGrpo } from '../learning/grpo.ts'
import { updatePpo } from '../learning/ppo.ts'
import {
  Collector,
  collectorFloats,
  type CollectorState,
  type Episode,
} from '../learning/rollout.ts'
import type { Random } from '../random.ts'
import type { Schedule } from './settings.ts'

export interface Turn {
  readonly ended: readonly Episode[]
  readonly steps: number
  readonly loss: number
  /** Of the update, by the names of their curves. */
  readonly figures: Readonly<Record<string, number>>
}

export type LearnerState = CollectorState | GroupState

export interface Learner {
  improve(learningRate: number, random: Random): Turn
  state: LearnerState
}

/** What a learner takes of the kernel: rows of its networks, and floats beside. */
export const learnerSpace = (
  { environments, steps, ppo, groups }: Schedule,
  scenario: Scenario,
) => {
  const { observations: width, maxSteps } = scenario.spec
  if (groups) {
    const floats = groupFloats(groups, maxSteps, width) + groups.rows * width
    return { rows: [groups.size * groups.groups, groups.rows], floats }
  }
  const size = Math.floor((environments * steps) / ppo.minibatches)
  const floats = collectorFloats(steps, environments, width) + size * width
  return { rows: [environments, size], floats }
}

export const makeLearner = (
  model: ActorCritic,
  scenario: Scenario,
  schedule: Schedule,
  seed: number,
): Learner => (schedule.groups ? inGroups : byPpo)(model, scenario, schedule, seed)

const byPpo = (
  model: ActorCritic,
  scenario: Scenario,
  { environments, steps, ppo }: Schedule,
  seed: number,
): Learner => {
  const { kernel, shape } = model
  const acting = model.networks(environments)
  const collector = new Collector({ scenario, environments, steps, seed, kernel, ...acting })
  const size = Math.floor((environments * steps) / ppo.minibatches)
  const workspace = {
    observations: kernel.take(size * shape.observations),
    ...model.networks(size),
  }
  return {
    improve(learningRate, random) {
      const ended = collector.collect(ppo.gamma)
      const { batch } = collector
      const { loss, ...found } = updatePpo(
        model,
        workspace,
        batch,
        environments,
        ppo,
        learningRate,
        random,
      )
      const figures = {
        policy_loss: found.policyLoss,
        value_loss: found.valueLoss,
        entropy: found.entropy,
        approx_kl: found.approximateKl,
        clip_frac: found.clipFraction,
        explained_variance: found.explainedVariance,
      }
      return { ended, steps: environments * steps, loss, figures }
    },
    get state() {
      return collector.state
    },
    set state(state) {
      collector.state = state as CollectorState
    },
  }
}

const inGroups = (
  model: ActorCritic,
  scenario: Scenario,
  { groups: shape, ppo }: Schedule,
  seed: number,
): Learner => {
  if (!shape) throw new Error('There are no groups in this schedule')
  const { kernel } = model
  const { size, groups: count, rows } = shape
  const { policy } = model.networks(size * count)
  const groups = new Groups({ scenario, size, groups: count, seed, kernel, policy })
  const observations = kernel.take(rows * model.shape.observations)
  const workspace = { observations, rows, policy: model.networks(rows).policy }
  return {
    improve(learningRate, random) {
      const batch = groups.collect()
      const found = updateGrpo(model, workspace, batch, size, ppo, learningRate, random)
      const figures = {
        policy_loss: found.policyLoss,
        entropy: found.entropy,
        approx_kl: found.approximateKl,
        clip_frac: found.clipFraction,
        frac_reward_zero_std: found.zeroDeviationShare,
      }
      return { ended: batch.episodes, steps: batch.rows, loss: found.loss, figures }
    },
    get state() {
      return groups.state
    },
    set state(state) {
      groups.state = state as GroupState
    },
  }
}
