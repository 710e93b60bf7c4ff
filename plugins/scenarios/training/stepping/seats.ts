/** Environments side by side that begin again by themselves: what a trainer elsewhere steps. */
import { type Environment, type Scenario, seedOf } from '../../environment.ts'
import { mixed } from '../../random.ts'

export interface Ended {
  readonly seat: number
  readonly task: number
  readonly reward: number
  readonly length: number
  readonly success: boolean
}

export interface Stepped {
  readonly rewards: readonly number[]
  /** Seats whose episode came to its end by itself, and those whose was cut off. */
  readonly terminated: readonly number[]
  readonly truncated: readonly number[]
  /** What those that were cut off saw last, in their order: `[seats][observations]`. */
  readonly last: Float32Array
  readonly ended: readonly Ended[]
}

export interface SeatsState {
  readonly seats: readonly {
    readonly state: unknown
    readonly episodes: number
    readonly reward: number
    readonly length: number
  }[]
  readonly seen: readonly number[]
}

interface Seat {
  readonly environment: Environment
  episodes: number
  reward: number
  length: number
}

/** Episodes are those that `learning/rollout.ts` plays with as many environments and the seed. */
export class Seats {
  /** `[seats][observations]`, of now. */
  readonly seen: Float32Array
  readonly #seats: readonly Seat[]
  readonly #first: number
  readonly #width: number

  constructor({ make, spec }: Scenario, count: number, seed: number) {
    this.#first = (mixed(seed, 11) % 2 ** 20) * 2 ** 19
    this.#width = spec.observations
    this.seen = new Float32Array(count * spec.observations)
    this.#seats = Array.from({ length: count }, () => ({
      environment: make(),
      episodes: 0,
      reward: 0,
      length: 0,
    }))
    for (const [i, seat] of this.#seats.entries()) this.#begin(seat, i)
  }

  /** One after the other; null: everything is possible everywhere. */
  masks(): Uint8Array | null {
    const masks = this.#seats.map(({ environment }) => environment.mask())
    if (masks.every((mask) => mask === null)) return null
    return Uint8Array.from(
      masks.flatMap((mask, i) => [
        ...(mask ?? new Uint8Array(this.#seats[i]?.environment.actions ?? 0).fill(1)),
      ]),
    )
  }

  /** @throws RangeError unless there is one action for each seat, each one that there is */
  step(actions: readonly number[]): Stepped {
    if (actions.length !== this.#seats.length) {
      throw new RangeError(`${this.#seats.length} environments, ${actions.length} actions`)
    }
    const rewards: number[] = []
    const terminated: number[] = []
    const truncated: number[] = []
    const last: number[] = []
    const ended: Ended[] = []
    for (const [i, seat] of this.#seats.entries()) seat.environment.begin?.(actions[i] ?? -1)
    for (const [i, seat] of this.#seats.entries()) {
      const { environment } = seat
      const into = this.#of(i)
      const step = environment.step(actions[i] ?? -1, into)
      rewards.push(step.reward)
      seat.reward += step.reward
      seat.length++
      if (step.terminated) terminated.push(i)
      if (step.truncated) {
        truncated.push(i)
        last.push(...into)
      }
      if (!step.terminated && !step.truncated) continue
      const { success } = environment.verdict()
      const { reward, length } = seat
      ended.push({ seat: i, task: environment.task, reward, length, success })
      this.#begin(seat, i)
    }
    return { rewards, terminated, truncated, last: Float32Array.from(last), ended }
  }

  get state(): SeatsState {
    return {
      seats: this.#seats.map(({ environment, ...rest }) => ({
        state: environment.save(),
        ...rest,
      })),
      seen: [...this.seen],
    }
  }

  set state({ seats, seen }: SeatsState) {
    for (const [i, seat] of this.#seats.entries()) {
      const saved = seats[i]
      if (!saved) throw new Error(`The checkpoint knows ${seats.length} environments`)
      const { state, ...rest } = saved
      seat.environment.load(state)
      Object.assign(seat, rest)
    }
    this.seen.set(seen)
  }

  #of(seat: number): Float32Array {
    return this.seen.subarray(seat * this.#width, (seat + 1) * this.#width)
  }

  #begin(seat: Seat, index: number): void {
    const n = this.#first + seat.episodes * this.#seats.length + index
    seat.environment.reset(seedOf('train', n), this.#of(index))
    seat.episodes++
    seat.reward = 0
    seat.length = 0
  }
}
