/** The clipped objective of proximal policy optimisation: one pull of a policy by a minibatch. */
import type { Vector } from '../kernel/kernel.ts'
import { softmax } from './distribution.ts'
import type { Network } from './network.ts'

/** Steps that were taken, row after row. */
export interface Taken {
  readonly actions: Int32Array
  /** Of the policy that took them. */
  readonly logProbabilities: Float32Array
  /** `[rows * actions]`; null: everything was possible. */
  readonly masks: Uint8Array | null
}

export interface SurrogateSettings {
  readonly clip: number
  /** Weight of the entropy that is kept. */
  readonly entropy: number
}

/** Summed up over the rows of an update. */
export class PolicySums {
  loss = 0
  entropy = 0
  kl = 0
  clipped = 0
  rows = 0

  get figures() {
    const rows = Math.max(1, this.rows)
    return {
      policyLoss: this.loss / rows,
      entropy: this.entropy / rows,
      /** By `(r - 1) - log r` (Schulman 2020), in nats. */
      approximateKl: this.kl / rows,
      clipFraction: this.clipped / rows,
    }
  }
}

export interface Pull {
  readonly policy: Network
  /** Observations of the chosen rows. */
  readonly observations: Vector
  readonly actions: number
  readonly taken: Taken
  readonly chosen: Int32Array
  /** Of the chosen rows, in their order. */
  readonly advantages: Float32Array
}

/** Adds to the gradients of the policy; `sums` hears of it. */
export const pullPolicy = (
  { policy, observations, actions: count, taken, chosen, advantages }: Pull,
  { clip, entropy: weight }: SurrogateSettings,
  sums: PolicySums,
): void => {
  const size = chosen.length
  const { width } = policy
  const rows = policy.forward(observations.at, size)
  const delta = policy.outputDelta
  for (let r = 0; r < size; r++) {
    const k = chosen[r]!
    const at = r * width
    const entropy = softmax(rows, at, count, taken.masks, k * count)
    const action = taken.actions[k]!
    const advantage = advantages[r]!
    const logRatio = Math.log(Math.max(rows[at + action]!, 1e-30)) - taken.logProbabilities[k]!
    const ratio = Math.exp(logRatio)
    const bounded = Math.min(Math.max(ratio, 1 - clip), 1 + clip)
    const plain = -advantage * ratio
    const clipped = -advantage * bounded
    const pull = plain >= clipped ? -advantage * ratio : 0
    for (let j = 0; j < count; j++) {
      const p = rows[at + j]!
      const log = p > 0 ? Math.log(p) : 0
      const ofPolicy = pull * ((j === action ? 1 : 0) - p)
      const ofEntropy = weight * p * (log + entropy)
      delta[at + j] = (ofPolicy + ofEntropy) / size
    }
    for (let j = count; j < width; j++) delta[at + j] = 0
    sums.loss += Math.max(plain, clipped)
    sums.entropy += entropy
    sums.kl += ratio - 1 - logRatio
    if (Math.abs(ratio - 1) > clip) sums.clipped++
  }
  sums.rows += size
  policy.backward(observations.at, size)
}
