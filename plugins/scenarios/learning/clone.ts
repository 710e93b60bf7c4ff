/** Behaviour cloning: the policy learns to do what an oracle did, or somebody who was recorded. */
import { type Scenario, seedOf } from '../environment.ts'
import type { Vector } from '../kernel/kernel.ts'
import type { Random } from '../random.ts'
import type { ActorCritic } from './actor-critic.ts'
import { softmax } from './distribution.ts'
import type { Network } from './network.ts'

export interface Demonstrations {
  readonly episodes: number
  readonly observations: Float32Array
  readonly actions: Int32Array
  readonly masks: Uint8Array | null
  /** What still came, discounted: what the value network is to foretell. */
  readonly returns: Float32Array
  readonly meanReward: number
  readonly successes: number
}

/** Episodes of the oracle, on seeds of training from `first` on. */
export const demonstrate = (
  scenario: Scenario,
  first: number,
  episodes: number,
  gamma: number,
): Demonstrations => {
  const shown = Array.from({ length: episodes }, (_, i) => ({ episode: first + i }))
  return watch(scenario, shown, gamma)
}

export interface Performance {
  /** Of the train split. */
  readonly episode: number
  readonly actions: readonly number[]
}

/** Episodes that somebody else played. @throws Error where one does not succeed, as it should */
export const demonstrateRecorded = (
  scenario: Scenario,
  performances: readonly Performance[],
  gamma: number,
): Demonstrations => {
  const shown = watch(scenario, performances, gamma)
  const { episodes, successes } = shown
  if (successes === episodes) return shown
  throw new Error(`${episodes - successes} of the ${episodes} recorded episodes do not succeed`)
}

/** Without actions: what the oracle would do. */
const watch = (
  scenario: Scenario,
  performances: readonly { readonly episode: number; readonly actions?: readonly number[] }[],
  gamma: number,
): Demonstrations => {
  const { observations: width } = scenario.spec
  const environment = scenario.make()
  const seen: number[] = []
  const actions: number[] = []
  const masks: number[] = []
  const returns: number[] = []
  const observation = new Float32Array(width)
  let total = 0
  let successes = 0
  for (const { episode, actions: done } of performances) {
    environment.reset(seedOf('train', episode), observation)
    const rewards: number[] = []
    for (let isOver = false; !isOver && rewards.length !== done?.length;) {
      const action = done?.[rewards.length] ?? environment.oracle()
      seen.push(...observation)
      actions.push(action)
      masks.push(...(environment.mask() ?? []))
      const { reward, terminated, truncated } = environment.step(action, observation)
      rewards.push(reward)
      isOver = terminated || truncated
    }
    if (environment.verdict().success) successes++
    let running = 0
    const discounted = rewards.toReversed().map((reward) => (running = reward + gamma * running))
    returns.push(...discounted.toReversed())
    total += rewards.reduce((sum, reward) => sum + reward, 0)
  }
  environment.close?.()
  const episodes = performances.length
  return {
    episodes,
    observations: Float32Array.from(seen),
    actions: Int32Array.from(actions),
    masks: masks.length > 0 ? Uint8Array.from(masks) : null,
    returns: Float32Array.from(returns),
    meanReward: total / episodes,
    successes,
  }
}

export interface CloneWorkspace {
  /** `rows` observations. */
  readonly observations: Vector
  readonly rows: number
  readonly policy: Network
  readonly value: Network
}

/** Once through all demonstrations in a new order. Answers the mean cross entropy, in nats. */
export const cloneEpoch = (
  model: ActorCritic,
  { observations, rows, policy, value }: CloneWorkspace,
  shown: Demonstrations,
  learningRate: number,
  random: Random,
): number => {
  const { observations: width, actions: count } = model.shape
  const order = Int32Array.from({ length: shown.actions.length }, (_, i) => i)
  random.shuffle(order)
  let loss = 0
  for (let at = 0; at < order.length; at += rows) {
    const chosen = order.subarray(at, at + rows)
    const size = chosen.length
    for (const [r, k] of chosen.entries()) {
      observations.data.set(shown.observations.subarray(k * width, (k + 1) * width), r * width)
    }
    const logits = policy.forward(observations.at, size)
    const delta = policy.outputDelta
    for (const [r, k] of chosen.entries()) {
      const row = r * policy.width
      softmax(logits, row, count, shown.masks, k * count)
      const action = shown.actions[k]!
      loss -= Math.log(Math.max(logits[row + action]!, 1e-30))
      for (let j = 0; j < policy.width; j++) {
        delta[row + j] = j < count ? (logits[row + j]! - (j === action ? 1 : 0)) / size : 0
      }
    }
    policy.backward(observations.at, size)
    const values = value.forward(observations.at, size)
    const slope = value.outputDelta
    for (const [r, k] of chosen.entries()) {
      slope.fill(0, r * value.width, (r + 1) * value.width)
      slope[r * value.width] = (values[r * value.width]! - shown.returns[k]!) / size
    }
    value.backward(observations.at, size)
    model.descend({ learningRate, maxNorm: 1 })
  }
  return loss / order.length
}
