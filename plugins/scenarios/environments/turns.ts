/** What environments of turn and answer share: counting, ending, saving. Theirs is the case. */
import type { Environment, Step, Tool, Verdict } from '../environment.ts'
import { Random } from '../random.ts'

interface Saved<State> {
  readonly state: State
  readonly last: number
  readonly steps: number
  readonly isOver: boolean
}

/** `State` is JSON; what it holds is replaced and never changed inside, so a copy is shallow. */
export abstract class Turns<State extends object> implements Environment {
  abstract readonly actions: number
  abstract readonly task: number
  state: State
  /** The action that came last; -1: none yet. */
  last = -1
  steps = 0
  #isOver = true
  readonly #maxSteps: number

  constructor(maxSteps: number) {
    this.#maxSteps = maxSteps
    this.state = this.draw(new Random(0))
  }

  protected abstract draw(random: Random): State
  /** Does it and says its reward. */
  protected abstract act(action: number): number
  protected abstract hasEnded(): boolean
  protected abstract write(into: Float32Array): void
  abstract oracle(): number
  abstract heuristic(random: Random): number
  abstract verdict(): Verdict

  reset(seed: number, into: Float32Array): void {
    this.state = this.draw(new Random(seed))
    this.last = -1
    this.steps = 0
    this.#isOver = false
    this.write(into)
  }

  step(action: number, into: Float32Array): Step {
    if (this.#isOver) throw new Error('The episode is over')
    if (!(action >= 0 && action < this.actions)) throw new RangeError(`No action ${action}`)
    this.steps++
    this.last = action
    const reward = this.act(action)
    const terminated = this.hasEnded()
    const truncated = !terminated && this.steps >= this.#maxSteps
    this.#isOver = terminated || truncated
    this.write(into)
    return { reward, terminated, truncated }
  }

  mask(): null {
    return null
  }

  save(): Saved<State> {
    const { state, last, steps } = this
    return { state: { ...state }, last, steps, isOver: this.#isOver }
  }

  load(saved: unknown): void {
    const { state, last, steps, isOver } = saved as Saved<State>
    this.state = { ...state }
    this.last = last
    this.steps = steps
    this.#isOver = isOver
  }
}

/** The bit of a set of numbers below 32. */
export const bit = (index: number): number => 1 << index

export const has = (set: number, index: number): boolean => (set & (1 << index)) !== 0

/** How many there are in a set. */
export const sizeOf = (set: number): number => {
  let size = 0
  for (let rest = set; rest !== 0; rest &= rest - 1) size++
  return size
}

export const sign = (value: boolean): number => (value ? 1 : -1)

/** Tools whose one argument names the case at hand. */
export const toolsAbout = (
  argument: string,
  description: string,
  tools: readonly (readonly [name: string, description: string])[],
): readonly Tool[] =>
  tools.map(([name, what]) => ({
    name,
    description: what,
    parameters: {
      type: 'object',
      properties: { [argument]: { type: 'string', description } },
      required: [argument],
      additionalProperties: false,
    },
  }))
