/** Catch of bsuite (Osband et al. 2020): a ball falls, a paddle must be under it. */
import type { Environment, Scenario, Step, Verdict } from '../environment.ts'
import { Random } from '../random.ts'
import { part } from '../rubric.ts'

const rows = 10
const columns = 5
const tasks = ['left', 'centre', 'right']
/** From here down the scripted rule looks at the ball. */
const nearRow = 8

export const catchBall: Scenario = {
  spec: {
    id: 'catch',
    version: 1,
    name: 'Catch',
    description: 'Moves a paddle under a falling ball: a grid whose right figures are public.',
    difficulty: 'beginner',
    tasks,
    observations: rows * columns,
    actions: ['left', 'stay', 'right'],
    maxSteps: rows - 1,
    metrics: ['distance'],
    features: ['calibration', 'delayed reward'],
  },
  conversation: null,
  rubric: part('distance'),
  make: () => new Catch(),
}

class Catch implements Environment {
  readonly actions = 3
  #ball = 0
  #row = rows - 1
  #paddle = 0
  #first = 0

  /** Where the ball began, as seen from the paddle. */
  get task(): number {
    return 1 + Math.sign(this.#first - (columns >> 1))
  }

  reset(seed: number, into: Float32Array): void {
    this.#ball = new Random(seed).below(columns)
    this.#first = this.#ball
    this.#row = 0
    this.#paddle = columns >> 1
    this.#write(into)
  }

  step(action: number, into: Float32Array): Step {
    if (this.#row >= rows - 1) throw new Error('The episode is over')
    if (!(action >= 0 && action < this.actions)) throw new RangeError(`No action ${action}`)
    this.#paddle = Math.min(columns - 1, Math.max(0, this.#paddle + action - 1))
    this.#row++
    this.#write(into)
    const terminated = this.#row === rows - 1
    const reward = this.#paddle === this.#ball ? 1 : -1
    return { reward: terminated ? reward : 0, terminated, truncated: false }
  }

  mask(): null {
    return null
  }

  oracle(): number {
    return 1 + Math.sign(this.#ball - this.#paddle)
  }

  /** Waits until the ball is near, and then it is too late for the outermost columns. */
  heuristic(): number {
    return this.#row < nearRow ? 1 : this.oracle()
  }

  verdict(): Verdict {
    const away = Math.abs(this.#ball - this.#paddle)
    return {
      success: this.#row === rows - 1 && away === 0,
      components: { distance: 1 - away / (columns - 1) },
      violations: [],
    }
  }

  save(): unknown {
    return [this.#ball, this.#row, this.#paddle, this.#first]
  }

  load(state: unknown): void {
    const [ball, row, paddle, first] = state as [number, number, number, number]
    this.#ball = ball
    this.#row = row
    this.#paddle = paddle
    this.#first = first
  }

  #write(into: Float32Array): void {
    into.fill(0)
    into[this.#row * columns + this.#ball] = 1
    into[(rows - 1) * columns + this.#paddle] = 1
  }
}
