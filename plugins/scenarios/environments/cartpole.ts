/** CartPole-v1 of Gymnasium (Barto, Sutton & Anderson 1983), its physics number by number. */
import type { Environment, Scenario, Step, Verdict } from '../environment.ts'
import { Random } from '../random.ts'
import { part } from '../rubric.ts'

const gravity = 9.8
const poleMass = 0.1
const totalMass = 1.1
const halfLength = 0.5
const force = 10
const tauS = 0.02
const maxAngle = (12 * 2 * Math.PI) / 360
const maxPosition = 2.4
const maxSteps = 500
const threshold = 475

export const cartpole: Scenario = {
  spec: {
    id: 'cartpole',
    version: 1,
    name: 'CartPole',
    description: 'Keeps a pole upright on a cart: the classic whose right figures are public.',
    difficulty: 'beginner',
    tasks: ['balance'],
    observations: 4,
    actions: ['push_left', 'push_right'],
    maxSteps,
    metrics: ['steps'],
    features: ['calibration'],
  },
  conversation: null,
  rubric: part('steps'),
  make: () => new CartPole(),
}

class CartPole implements Environment {
  readonly actions = 2
  readonly task = 0
  #x = 0
  #speed = 0
  #angle = 0
  #spin = 0
  #steps = 0
  #isOver = true

  reset(seed: number, into: Float32Array): void {
    const random = new Random(seed)
    this.#x = random.between(-0.05, 0.05)
    this.#speed = random.between(-0.05, 0.05)
    this.#angle = random.between(-0.05, 0.05)
    this.#spin = random.between(-0.05, 0.05)
    this.#steps = 0
    this.#isOver = false
    this.#write(into)
  }

  step(action: number, into: Float32Array): Step {
    if (this.#isOver) throw new Error('The episode is over')
    const push = action === 1 ? force : -force
    const cos = Math.cos(this.#angle)
    const sin = Math.sin(this.#angle)
    const drag = (push + poleMass * halfLength * this.#spin ** 2 * sin) / totalMass
    const turn =
      (gravity * sin - cos * drag) / (halfLength * (4 / 3 - (poleMass * cos ** 2) / totalMass))
    const pull = drag - (poleMass * halfLength * turn * cos) / totalMass
    this.#x += tauS * this.#speed
    this.#speed += tauS * pull
    this.#angle += tauS * this.#spin
    this.#spin += tauS * turn
    this.#steps++
    const terminated = Math.abs(this.#x) > maxPosition || Math.abs(this.#angle) > maxAngle
    const truncated = !terminated && this.#steps >= maxSteps
    this.#isOver = terminated || truncated
    this.#write(into)
    return { reward: 1, terminated, truncated }
  }

  mask(): null {
    return null
  }

  /** Energy and centring: a linear rule that never falls. */
  oracle(): number {
    const lean = this.#angle + 0.2 * this.#spin + 0.04 * this.#x + 0.08 * this.#speed
    return lean > 0 ? 1 : 0
  }

  heuristic(): number {
    return this.#angle > 0 ? 1 : 0
  }

  verdict(): Verdict {
    const success = this.#steps >= threshold
    return { success, components: { steps: this.#steps / maxSteps }, violations: [] }
  }

  save(): unknown {
    return [this.#x, this.#speed, this.#angle, this.#spin, this.#steps, this.#isOver]
  }

  load(state: unknown): void {
    const [x, speed, angle, spin, steps, isOver] = state as [
      number,
      number,
      number,
      number,
      number,
      boolean,
    ]
    this.#x = x
    this.#speed = speed
    this.#angle = angle
    this.#spin = spin
    this.#steps = steps
    this.#isOver = isOver
  }

  #write(into: Float32Array): void {
    into[0] = this.#x
    into[1] = this.#speed
    into[2] = this.#angle
    into[3] = this.#spin
  }
}
