/** A scenario whose environments are in another process: a training plays it like any other. */
import {
  type Environment,
  type Scenario,
  seedsOf,
  type Step,
  type Verdict,
} from '../environment.ts'
import { outsideHash, type OutsideSource, wantedOf } from './definition.ts'

/** The process, as `runners/environment` gives it. All calls wait for their answers. */
export interface OutsideProcess {
  readonly description: unknown
  make(): number
  reset(environment: number, seed: number, into: Float32Array): void
  begin(environment: number, action: number): void
  step(environment: number, action: number, into: Float32Array): Step
  save(environment: number): string | null
  load(environment: number, saved: string): void
  close(environment: number): void
  end(): void
}

export type OpenOutside = (wanted: ReturnType<typeof wantedOf>) => OutsideProcess

interface Saved {
  readonly seed: number
  /** Since the reset; of those that are replayed. */
  readonly actions: readonly number[]
  readonly total: number
  readonly isOver: boolean
  /** The last one: a replay that does not come to it went elsewhere. */
  readonly observation: readonly number[]
  readonly state?: string
}

/** @throws Error why its process cannot be had */
export const outsideScenario = (source: OutsideSource, open: OpenOutside): Scenario => {
  const { definition, spec } = source
  const process = open(wantedOf(definition))
  let isExact = true
  return {
    spec,
    conversation: null,
    source,
    hash: outsideHash(source),
    evaluations: evaluationsOf(source),
    make: () => new OutsideEnvironment(source, process, () => (isExact = false)),
    isExact: () => isExact,
  }
}

/** Steps of others may be slow: a look at held-out episodes takes two seconds or so, the last 8. */
const evaluationsOf = ({ described: { stepUs, maxSteps } }: OutsideSource) => {
  const episodeS = (stepUs * maxSteps) / 1e6
  const fitting = (seconds: number, least: number, most: number) =>
    Math.round(Math.max(least, Math.min(most, seconds / Math.max(episodeS, 1e-6))))
  return { validation: fitting(2, 20, 300), last: fitting(8, 50, 2000) }
}

/** Seeds of others have 31 bits: what many of their generators take. Splits stay disjoint. */
export const outsideSeed = (seed: number): number => {
  const { split, n } = seedsOf(seed)
  return split * 2 ** 29 + (n % 2 ** 29)
}

export class OutsideEnvironment implements Environment {
  readonly actions: number
  readonly task = 0
  readonly #source: OutsideSource
  readonly #process: OutsideProcess
  readonly #number: number
  readonly #doubt: () => void
  #seed = 0
  #taken: number[] = []
  #last = new Float32Array()
  #total = 0
  #isOver = true

  constructor(source: OutsideSource, process: OutsideProcess, doubt: () => void) {
    this.actions = source.spec.actions.length
    this.#source = source
    this.#process = process
    this.#number = process.make()
    this.#doubt = doubt
  }

  reset(seed: number, into: Float32Array): void {
    this.#seed = seed
    this.#taken = []
    this.#total = 0
    this.#isOver = false
    this.#process.reset(this.#number, outsideSeed(seed), into)
    this.#last = into.slice()
  }

  /** What `step` would refuse is not said: its answer would never be fetched. */
  begin(action: number): void {
    if (!this.#isOver && action >= 0 && action < this.actions) {
      this.#process.begin(this.#number, action)
    }
  }

  step(action: number, into: Float32Array): Step {
    if (this.#isOver) throw new Error('The episode is over')
    if (!(action >= 0 && action < this.actions)) throw new RangeError(`No action ${action}`)
    const step = this.#process.step(this.#number, action, into)
    this.#taken.push(action)
    this.#total += step.reward
    this.#isOver = step.terminated || step.truncated
    this.#last = into.slice()
    return step
  }

  mask(): null {
    return null
  }

  oracle(): number {
    throw new Error(`Nobody knows the right action of ${this.#source.spec.id}`)
  }

  heuristic(): number {
    throw new Error(`There is no scripted rule for ${this.#source.spec.id}`)
  }

  verdict(): Verdict {
    const success = this.#isOver && this.#total >= this.#source.described.threshold
    return { success, components: { return: success ? 1 : 0 }, violations: [] }
  }

  save(): Saved {
    const state = this.#source.described.saving === 'state' && this.#process.save(this.#number)
    return {
      seed: this.#seed,
      actions: state ? [] : [...this.#taken],
      total: this.#total,
      isOver: this.#isOver,
      observation: [...this.#last],
      ...(state && { state }),
    }
  }

  load(saved: unknown): void {
    const { seed, actions, total, isOver, observation, state } = saved as Saved
    if (state) this.#process.load(this.#number, state)
    else this.#replay(seed, actions, observation)
    if (!state && this.#source.described.saving !== 'replay') this.#doubt()
    this.#seed = seed
    this.#taken = [...actions]
    this.#total = total
    this.#isOver = isOver
    this.#last = Float32Array.from(observation)
  }

  close(): void {
    this.#process.close(this.#number)
  }

  #replay(seed: number, actions: readonly number[], observation: readonly number[]): void {
    const seen = new Float32Array(observation.length)
    this.#process.reset(this.#number, outsideSeed(seed), seen)
    for (const [i, action] of actions.entries()) {
      const { terminated, truncated } = this.#process.step(this.#number, action, seen)
      if (!(terminated || truncated) || i === actions.length - 1) continue
      // It went elsewhere, and to an end: the episode begins anew.
      this.#process.reset(this.#number, outsideSeed(seed), seen)
      this.#doubt()
      return
    }
    if (!seen.every((value, i) => Object.is(value, observation[i]))) this.#doubt()
  }
}
