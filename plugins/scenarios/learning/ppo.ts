/** Proximal policy optimisation (Schulman et al. 2017), with the details that make it work. */
import type { Vector } from '../kernel/kernel.ts'
import type { Random } from '../random.ts'
import type { ActorCritic } from './actor-critic.ts'
import type { Network } from './network.ts'
import type { Batch } from './rollout.ts'
import { PolicySums, pullPolicy } from './surrogate.ts'

export interface PpoSettings {
  readonly gamma: number
  /** Of generalised advantage estimation (Schulman et al. 2016). */
  readonly lambda: number
  readonly epochs: number
  readonly minibatches: number
  readonly clip: number
  readonly entropy: number
  readonly valueWeight: number
  readonly clipsValue: boolean
  readonly maxNorm: number
}

/** Means over the minibatches of one update. */
export interface PpoFigures {
  readonly loss: number
  readonly policyLoss: number
  readonly valueLoss: number
  readonly entropy: number
  readonly approximateKl: number
  readonly clipFraction: number
  readonly explainedVariance: number
}

export interface PpoWorkspace {
  /** A minibatch of observations. */
  readonly observations: Vector
  readonly policy: Network
  readonly value: Network
}

/** Advantages and returns, `[steps * environments]`. */
export const advantagesOf = (
  batch: Batch,
  environments: number,
  { gamma, lambda }: Pick<PpoSettings, 'gamma' | 'lambda'>,
): { readonly advantages: Float32Array; readonly returns: Float32Array } => {
  const { rewards, values, ends, bootstraps, lastValues } = batch
  const advantages = new Float32Array(rewards.length)
  const returns = new Float32Array(rewards.length)
  const steps = rewards.length / environments
  for (let i = 0; i < environments; i++) {
    let running = 0
    let next = lastValues[i]!
    for (let t = steps - 1; t >= 0; t--) {
      const k = t * environments + i
      const goesOn = 1 - ends[k]!
      const delta = rewards[k]! + bootstraps[k]! + gamma * next * goesOn - values[k]!
      running = delta + gamma * lambda * goesOn * running
      advantages[k] = running
      returns[k] = running + values[k]!
      next = values[k]!
    }
  }
  return { advantages, returns }
}

export const updatePpo = (
  model: ActorCritic,
  { observations, policy, value }: PpoWorkspace,
  batch: Batch,
  environments: number,
  settings: PpoSettings,
  learningRate: number,
  random: Random,
): PpoFigures => {
  const total = batch.actions.length
  const width = model.shape.observations
  const { advantages, returns } = advantagesOf(batch, environments, settings)
  const size = Math.floor(total / settings.minibatches)
  const order = Int32Array.from({ length: total }, (_, i) => i)
  const sums = new PolicySums()
  const gains = new Float32Array(size)
  const { actions } = model.shape
  let valueSum = 0
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    random.shuffle(order)
    for (let part = 0; part < settings.minibatches; part++) {
      const chosen = order.subarray(part * size, (part + 1) * size)
      for (let r = 0; r < size; r++) {
        const from = chosen[r]! * width
        observations.data.set(batch.observations.data.subarray(from, from + width), r * width)
      }
      const { mean, deviation } = momentsOf(advantages, chosen)
      for (let r = 0; r < size; r++) gains[r] = (advantages[chosen[r]!]! - mean) / deviation
      const pull = { policy, observations, actions, taken: batch, chosen, advantages: gains }
      pullPolicy(pull, settings, sums)
      valueSum += pullValue(value, observations, batch, chosen, returns, settings)
      model.descend({ learningRate, maxNorm: settings.maxNorm })
    }
  }
  const { figures } = sums
  const valueLoss = valueSum / Math.max(1, sums.rows)
  const { policyLoss, entropy } = figures
  return {
    ...figures,
    loss: policyLoss - settings.entropy * entropy + settings.valueWeight * valueLoss,
    valueLoss,
    explainedVariance: explainedVariance(batch.values, returns),
  }
}

/** Adds to the gradients of the value network. Answers the sum of the losses. */
const pullValue = (
  value: Network,
  observations: Vector,
  batch: Batch,
  chosen: Int32Array,
  returns: Float32Array,
  settings: PpoSettings,
): number => {
  const size = chosen.length
  const { width } = value
  const rows = value.forward(observations.at, size)
  const delta = value.outputDelta
  let loss = 0
  for (let r = 0; r < size; r++) {
    const k = chosen[r]!
    const at = r * width
    const error = rows[at]! - returns[k]!
    const before = batch.values[k]!
    const moved = Math.min(Math.max(rows[at]! - before, -settings.clip), settings.clip)
    const held = before + moved - returns[k]!
    const isHeld = settings.clipsValue && held * held > error * error
    const isMoving = Math.abs(rows[at]! - before) < settings.clip
    const slope = isHeld ? (isMoving ? held : 0) : error
    delta[at] = (settings.valueWeight * slope) / size
    for (let j = 1; j < width; j++) delta[at + j] = 0
    loss += 0.5 * (isHeld ? held * held : error * error)
  }
  value.backward(observations.at, size)
  return loss
}

/** With the unbiased deviation. */
const momentsOf = (values: Float32Array, chosen: Int32Array) => {
  let sum = 0
  for (const k of chosen) sum += values[k]!
  const mean = sum / chosen.length
  let squares = 0
  for (const k of chosen) squares += (values[k]! - mean) ** 2
  return { mean, deviation: Math.sqrt(squares / Math.max(1, chosen.length - 1)) + 1e-8 }
}

/** 1: the values foretell the returns; 0: no better than their mean. */
const explainedVariance = (values: Float32Array, returns: Float32Array): number => {
  const all = Int32Array.from({ length: returns.length }, (_, i) => i)
  const whole = momentsOf(returns, all)
  let sum = 0
  for (let k = 0; k < returns.length; k++) sum += returns[k]! - values[k]!
  const mean = sum / returns.length
  let left = 0
  for (let k = 0; k < returns.length; k++) left += (returns[k]! - values[k]! - mean) ** 2
  return 1 - left / Math.max(1, returns.length - 1) / whole.deviation ** 2
}
