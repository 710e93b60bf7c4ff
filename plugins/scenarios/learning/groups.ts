/** Whole episodes in groups: those of one group begin alike, and differ by chance alone. */
import { type Scenario, seedOf } from '../environment.ts'
import type { Kernel, Vector } from '../kernel/kernel.ts'
import { mixed, Random, type RandomState } from '../random.ts'
import { sample, softmax } from './distribution.ts'
import type { Network } from './network.ts'
import type { Episode } from './rollout.ts'
import type { Taken } from './surrogate.ts'

/** The first `rows` rows are filled, in the order in which they were taken. */
export interface GroupBatch extends Taken {
  readonly observations: Vector
  /** Of each row: whose it is. */
  readonly seats: Int32Array
  readonly rows: number
  /** By seats: those of one group follow each other. */
  readonly episodes: readonly Episode[]
}

/** Between two batches no episode is under way: generators are all there is. */
export interface GroupState {
  readonly randoms: readonly RandomState[]
  readonly groups: number
}

export interface GroupsOptions {
  readonly scenario: Scenario
  /** Episodes of one seed. */
  readonly size: number
  /** At once. */
  readonly groups: number
  readonly seed: number
  readonly kernel: Kernel
  /** For as many rows as there are episodes at once. */
  readonly policy: Network
}

type Shape = Pick<GroupsOptions, 'size' | 'groups'>

/** Floats that are taken of the kernel. */
export const groupFloats = ({ size, groups }: Shape, maxSteps: number, width: number): number =>
  size * groups * (maxSteps + 1) * width + 16

export class Groups {
  readonly #options: GroupsOptions
  readonly #environments: ReturnType<Scenario['make']>[]
  readonly #randoms: readonly Random[]
  readonly #current: Vector
  readonly #store: Omit<GroupBatch, 'rows' | 'episodes'>
  #groups = 0

  constructor(options: GroupsOptions) {
    const { scenario, size, groups, seed, kernel } = options
    const { observations: width, actions, maxSteps } = scenario.spec
    const seats = size * groups
    const rows = seats * maxSteps
    this.#options = options
    this.#environments = Array.from({ length: seats }, () => scenario.make())
    this.#randoms = Array.from({ length: seats }, (_, i) => new Random(mixed(seed, 7, i)))
    this.#current = kernel.take(seats * width)
    this.#environments[0]?.reset(seedOf('train', this.#seedOf(0)), this.#seatOf(0))
    const isMasked = (this.#environments[0]?.mask() ?? null) !== null
    this.#store = {
      observations: kernel.take(rows * width),
      actions: new Int32Array(rows),
      logProbabilities: new Float32Array(rows),
      masks: isMasked ? new Uint8Array(rows * actions.length) : null,
      seats: new Int32Array(rows),
    }
  }

  /** Plays every episode to its end; seats are asked in their order. */
  collect(): GroupBatch {
    const { scenario, policy } = this.#options
    const { observations: width, actions } = scenario.spec
    const count = actions.length
    const { observations, actions: chosen, logProbabilities, masks, seats } = this.#store
    const episodes = this.#begin()
    let active = [...this.#environments.keys()]
    let row = 0
    while (active.length > 0) {
      const logits = policy.forward(this.#current.at, this.#environments.length)
      const first = row
      for (const i of active) {
        const environment = this.#environments[i]!
        const at = i * policy.width
        const mask = environment.mask()
        episodes[i]!.entropy += softmax(logits, at, count, mask, 0)
        const action = sample(logits, at, count, this.#randoms[i]!)
        observations.data.set(this.#seatOf(i), row * width)
        chosen[row] = action
        logProbabilities[row] = Math.log(logits[at + action]!)
        if (mask) masks?.set(mask, row * count)
        else masks?.fill(1, row * count, (row + 1) * count)
        seats[row++] = i
        environment.begin?.(action)
      }
      active = active.filter((i, n) => {
        const environment = this.#environments[i]!
        const episode = episodes[i]!
        const { reward, terminated, truncated } = environment.step(
          chosen[first + n]!,
          this.#seatOf(i),
        )
        episode.reward += reward
        episode.length++
        if (!terminated && !truncated) return true
        episode.success = environment.verdict().success
        return false
      })
    }
    return { ...this.#store, rows: row, episodes }
  }

  get state(): GroupState {
    return { randoms: this.#randoms.map(({ state }) => state), groups: this.#groups }
  }

  set state({ randoms, groups }: GroupState) {
    for (const [i, random] of this.#randoms.entries()) {
      const saved = randoms[i]
      if (!saved) throw new Error(`The checkpoint knows ${randoms.length} episodes at once`)
      random.state = saved
    }
    this.#groups = groups
  }

  #begin() {
    const { size, groups } = this.#options
    const episodes = this.#environments.map((environment, i) => {
      const seed = this.#seedOf(this.#groups + Math.floor(i / size))
      environment.reset(seedOf('train', seed), this.#seatOf(i))
      return { task: environment.task, reward: 0, length: 0, success: false, entropy: 0 }
    })
    this.#groups += groups
    return episodes
  }

  #seedOf(group: number): number {
    return (mixed(this.#options.seed, 11) % 2 ** 20) * 2 ** 19 + group
  }

  #seatOf(seat: number): Float32Array {
    const width = this.#options.scenario.spec.observations
    return this.#current.data.subarray(seat * width, (seat + 1) * width)
  }
}
