/** Many environments stepped side by side, each with its own random numbers. */
import type { Environment, Scenario } from '../environment.ts'
import { seedOf } from '../environment.ts'
import type { Kernel, Vector } from '../kernel/kernel.ts'
import { mixed, Random, type RandomState } from '../random.ts'
import { sample, softmax } from './distribution.ts'
import type { Network } from './network.ts'

/** `[steps * environments]`, step after step. */
export interface Batch {
  readonly observations: Vector
  readonly actions: Int32Array
  readonly logProbabilities: Float32Array
  readonly values: Float32Array
  readonly rewards: Float32Array
  /** 1 where the episode ended after the step. */
  readonly ends: Uint8Array
  /** What still would have come, by the value of the last state, where it was cut off. */
  readonly bootstraps: Float32Array
  readonly masks: Uint8Array | null
  /** Values of the states after the last step. */
  readonly lastValues: Float32Array
}

export interface Episode {
  readonly task: number
  readonly reward: number
  readonly length: number
  readonly success: boolean
  /** Of the choices along it, summed up, in nats: 0 when nothing else is tried any more. */
  readonly entropy: number
}

export interface CollectorState {
  readonly environments: readonly {
    readonly state: unknown
    readonly random: RandomState
    readonly episodes: number
    readonly reward: number
    readonly length: number
    readonly entropy: number
  }[]
  readonly observations: readonly number[]
}

interface Seat {
  readonly environment: Environment
  readonly random: Random
  episodes: number
  reward: number
  length: number
  entropy: number
}

export interface CollectorOptions {
  readonly scenario: Scenario
  readonly environments: number
  readonly steps: number
  readonly seed: number
  readonly kernel: Kernel
  readonly policy: Network
  readonly value: Network
}

/** Floats that a collector takes of the kernel. */
export const collectorFloats = (steps: number, environments: number, width: number): number =>
  (steps * environments + environments) * width + 16

export class Collector {
  readonly batch: Batch
  readonly #options: CollectorOptions
  readonly #seats: readonly Seat[]
  readonly #current: Vector
  readonly #width: number
  readonly #count: number

  constructor(options: CollectorOptions) {
    const { scenario, environments, steps, seed, kernel } = options
    const { observations: width, actions } = scenario.spec
    this.#options = options
    this.#width = width
    this.#count = actions.length
    this.#current = kernel.take(environments * width)
    const total = steps * environments
    this.#seats = Array.from({ length: environments }, (_, i) => ({
      environment: scenario.make(),
      random: new Random(mixed(seed, 7, i)),
      episodes: 0,
      reward: 0,
      length: 0,
      entropy: 0,
    }))
    for (const [i, seat] of this.#seats.entries()) this.#begin(seat, i)
    const isMasked = this.#seats.some(({ environment }) => environment.mask() !== null)
    this.batch = {
      observations: kernel.take(total * width),
      actions: new Int32Array(total),
      logProbabilities: new Float32Array(total),
      values: new Float32Array(total),
      rewards: new Float32Array(total),
      ends: new Uint8Array(total),
      bootstraps: new Float32Array(total),
      masks: isMasked ? new Uint8Array(total * this.#count) : null,
      lastValues: new Float32Array(environments),
    }
  }

  /** Fills the batch; answers the episodes that ended. `gamma` is for those that were cut off. */
  collect(gamma: number): Episode[] {
    const { steps, environments, policy, value } = this.#options
    const { batch } = this
    const count = this.#count
    const width = this.#width
    const ended: Episode[] = []
    for (let t = 0; t < steps; t++) {
      const first = t * environments
      batch.observations.data.set(this.#current.data, first * width)
      const rows = policy.forward(this.#current.at, environments)
      const values = value.forward(this.#current.at, environments)
      for (let i = 0; i < environments; i++) batch.values[first + i] = values[i * value.width]!
      for (const [i, seat] of this.#seats.entries()) {
        const k = first + i
        const mask = seat.environment.mask()
        if (batch.masks) batch.masks.set(mask ?? allowed(count), k * count)
        seat.entropy += softmax(rows, i * policy.width, count, mask, 0)
        const action = sample(rows, i * policy.width, count, seat.random)
        batch.actions[k] = action
        batch.logProbabilities[k] = Math.log(rows[i * policy.width + action]!)
        seat.environment.begin?.(action)
      }
      for (const [i, seat] of this.#seats.entries()) {
        const k = first + i
        const into = this.#current.data.subarray(i * width, (i + 1) * width)
        const action = batch.actions[k]!
        const { reward, terminated, truncated } = seat.environment.step(action, into)
        seat.reward += reward
        seat.length++
        batch.rewards[k] = reward
        batch.ends[k] = terminated || truncated ? 1 : 0
        batch.bootstraps[k] = truncated ? gamma * this.#valueOf(i) : 0
        if (!terminated && !truncated) continue
        const { success } = seat.environment.verdict()
        const { reward: total, length, entropy } = seat
        ended.push({ task: seat.environment.task, reward: total, length, success, entropy })
        this.#begin(seat, i)
      }
    }
    const values = value.forward(this.#current.at, environments)
    for (let i = 0; i < environments; i++) batch.lastValues[i] = values[i * value.width]!
    return ended
  }

  get state(): CollectorState {
    return {
      environments: this.#seats.map(
        ({ environment, random, episodes, reward, length, entropy }) => ({
          state: environment.save(),
          random: random.state,
          episodes,
          reward,
          length,
          entropy,
        }),
      ),
      observations: [...this.#current.data],
    }
  }

  set state({ environments, observations }: CollectorState) {
    for (const [i, seat] of this.#seats.entries()) {
      const saved = environments[i]
      if (!saved) throw new Error(`The checkpoint knows ${environments.length} environments`)
      seat.environment.load(saved.state)
      seat.random.state = saved.random
      seat.episodes = saved.episodes
      seat.reward = saved.reward
      seat.length = saved.length
      seat.entropy = saved.entropy
    }
    this.#current.data.set(observations)
  }

  #valueOf(seat: number): number {
    const { value } = this.#options
    const at = this.#current.at + seat * this.#width * 4
    return value.forward(at, 1)[0]!
  }

  /** The next episode of a seat; no two seats ever share a seed. */
  #begin(seat: Seat, index: number): void {
    const { environments, seed } = this.#options
    const n = (mixed(seed, 11) % 2 ** 20) * 2 ** 19 + seat.episodes * environments + index
    const into = this.#current.data.subarray(index * this.#width, (index + 1) * this.#width)
    seat.environment.reset(seedOf('train', n), into)
    seat.episodes++
    seat.reward = 0
    seat.length = 0
    seat.entropy = 0
  }
}

const ones = new Map<number, Uint8Array>()
const allowed = (count: number): Uint8Array => {
  const found = ones.get(count) ?? new Uint8Array(count).fill(1)
  ones.set(count, found)
  return found
}
