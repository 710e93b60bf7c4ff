/**
 * Group relative policy optimisation (Shao et al. 2024): how an episode did beside others that
 * began alike is the advantage of all its steps, so that no value network is needed.
 */
import type { Vector } from '../kernel/kernel.ts'
import type { Random } from '../random.ts'
import type { ActorCritic } from './actor-critic.ts'
import type { GroupBatch } from './groups.ts'
import type { Network } from './network.ts'
import { PolicySums, pullPolicy, type SurrogateSettings } from './surrogate.ts'

export interface GrpoSettings extends SurrogateSettings {
  readonly epochs: number
  readonly maxNorm: number
}

export interface GrpoFigures {
  readonly loss: number
  readonly policyLoss: number
  readonly entropy: number
  readonly approximateKl: number
  readonly clipFraction: number
  /** Groups of which nothing can be learned, since all did equally well. */
  readonly zeroDeviationShare: number
}

export interface GrpoWorkspace {
  /** A minibatch of observations. */
  readonly observations: Vector
  readonly rows: number
  readonly policy: Network
}

const epsilon = 1e-4

/** Advantages by seats; null: its group teaches nothing. */
export const groupAdvantages = (
  rewards: readonly number[],
  size: number,
): readonly (number | null)[] =>
  rewards.map((reward, i) => {
    const first = i - (i % size)
    const group = rewards.slice(first, first + size)
    const mean = group.reduce((sum, one) => sum + one, 0) / group.length
    const squares = group.reduce((sum, one) => sum + (one - mean) ** 2, 0)
    if (Math.max(...group) === Math.min(...group)) return null
    return (reward - mean) / (Math.sqrt(squares / (group.length - 1)) + epsilon)
  })

export const updateGrpo = (
  model: ActorCritic,
  { observations, rows: most, policy }: GrpoWorkspace,
  batch: GroupBatch,
  size: number,
  settings: GrpoSettings,
  learningRate: number,
  random: Random,
): GrpoFigures => {
  const { observations: width, actions } = model.shape
  const rewards = batch.episodes.map(({ reward }) => reward)
  const found = groupAdvantages(rewards, size)
  const order = Int32Array.from({ length: batch.rows }, (_, k) => k).filter(
    (k) => found[batch.seats[k]!] !== null,
  )
  const sums = new PolicySums()
  const advantages = new Float32Array(most)
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    random.shuffle(order)
    for (let at = 0; at < order.length; at += most) {
      const chosen = order.subarray(at, at + most)
      for (const [r, k] of chosen.entries()) {
        const from = k * width
        observations.data.set(batch.observations.data.subarray(from, from + width), r * width)
        advantages[r] = found[batch.seats[k]!] ?? 0
      }
      const pull = { policy, observations, actions, taken: batch, chosen, advantages }
      pullPolicy(pull, settings, sums)
      model.descend({ learningRate, maxNorm: settings.maxNorm })
    }
  }
  const { figures } = sums
  const groups = found.filter((_, i) => i % size === 0)
  return {
    ...figures,
    loss: figures.policyLoss - settings.entropy * figures.entropy,
    zeroDeviationShare: groups.filter((one) => one === null).length / groups.length,
  }
}
