/** Policy and value networks with one optimiser: all that learning changes. */
import { Kernel, type Vector } from '../kernel/kernel.ts'
import type { Random } from '../random.ts'
import { Network, type NetworkShape, parameterCount, workspaceCount } from './network.ts'

export interface ActorCriticShape {
  readonly observations: number
  readonly actions: number
  readonly hidden: readonly number[]
}

export interface AdamSettings {
  readonly learningRate: number
  /** Of the whole gradient; what is longer is shortened. */
  readonly maxNorm: number
}

const beta1 = 0.9
const beta2 = 0.999
/** As in the reference implementations of PPO. */
const epsilon = 1e-5

const float = 4

export interface ActorCriticState {
  readonly parameters: Float32Array
  readonly m: Float32Array
  readonly v: Float32Array
  readonly steps: number
}

const shapesOf = ({ observations, actions, hidden }: ActorCriticShape) => {
  const policy: NetworkShape = { inputs: observations, hidden, outputs: actions }
  const value: NetworkShape = { inputs: observations, hidden, outputs: 1 }
  return { policy, value }
}

const part = ({ at, data }: Vector, from: number, count: number): Vector => ({
  at: at + from * float,
  data: data.subarray(from, from + count),
})

export class ActorCritic {
  readonly shape: ActorCriticShape
  readonly kernel: Kernel
  readonly #parameters: Vector
  readonly #gradients: Vector
  readonly #m: Vector
  readonly #v: Vector
  readonly #policyCount: number
  #steps = 0

  private constructor(kernel: Kernel, shape: ActorCriticShape) {
    const { policy, value } = shapesOf(shape)
    this.kernel = kernel
    this.shape = shape
    this.#policyCount = parameterCount(policy)
    const count = this.#policyCount + parameterCount(value)
    this.#parameters = kernel.take(count)
    this.#gradients = kernel.take(count)
    this.#m = kernel.take(count)
    this.#v = kernel.take(count)
  }

  /** `rows`: of each pair of networks that will be made; `floats`: what else will be taken. */
  static async make(
    shape: ActorCriticShape,
    rows: readonly number[],
    floats: number,
  ): Promise<ActorCritic> {
    const { policy, value } = shapesOf(shape)
    const count = parameterCount(policy) + parameterCount(value)
    const spaces = rows.map((n) => workspaceCount(policy, n) + workspaceCount(value, n))
    const work = spaces.reduce((sum, one) => sum + one, 0)
    const kernel = await Kernel.open(float * (4 * (count + 4) + work + floats + 1024))
    return new ActorCritic(kernel, shape)
  }

  /** Networks for so many rows at once, over the one set of parameters. */
  networks(rows: number): { readonly policy: Network; readonly value: Network } {
    const { policy, value } = shapesOf(this.shape)
    const split = this.#policyCount
    const rest = this.#parameters.data.length - split
    const [p, g] = [this.#parameters, this.#gradients]
    return {
      policy: new Network(this.kernel, policy, rows, part(p, 0, split), part(g, 0, split)),
      value: new Network(this.kernel, value, rows, part(p, split, rest), part(g, split, rest)),
    }
  }

  initialise(random: Random): void {
    const { policy, value } = this.networks(0)
    policy.initialise(random, 0.01)
    value.initialise(random, 1)
    for (const { data } of [this.#gradients, this.#m, this.#v]) data.fill(0)
    this.#steps = 0
  }

  /** One step of Adam down the gradients, which are zero afterwards. Answers their norm. */
  descend({ learningRate, maxNorm }: AdamSettings): number {
    const { run } = this.kernel
    const count = this.#parameters.data.length
    const norm = Math.sqrt(run.squares(this.#gradients.at, count))
    const scale = Math.min(1, maxNorm / (norm + 1e-6))
    this.#steps++
    const c1 = 1 - beta1 ** this.#steps
    const c2 = 1 - beta2 ** this.#steps
    const [p, g] = [this.#parameters.at, this.#gradients.at]
    const [m, v] = [this.#m.at, this.#v.at]
    run.adam(p, g, m, v, count, scale, learningRate, beta1, beta2, epsilon, c1, c2)
    return norm
  }

  /** Summed up since the last step. */
  get gradients(): Float32Array {
    return this.#gradients.data
  }

  get state(): ActorCriticState {
    return {
      parameters: this.#parameters.data.slice(),
      m: this.#m.data.slice(),
      v: this.#v.data.slice(),
      steps: this.#steps,
    }
  }

  set state({ parameters, m, v, steps }: ActorCriticState) {
    this.#parameters.data.set(parameters)
    this.#m.data.set(m)
    this.#v.data.set(v)
    this.#steps = steps
  }

  /** Of the policy alone, layer by layer without padding: `[inputs][outputs]` and biases. */
  get policyLayers() {
    const { policy } = this.networks(0)
    const { data } = this.#parameters
    const sizes = [...this.shape.hidden, this.shape.actions]
    let used = this.shape.observations
    return policy.layers.map(({ outputs, weights, bias }, i) => {
      const size = sizes[i] ?? 0
      const inputs = used
      used = size
      const rows = Array.from({ length: inputs }, (_, r) =>
        data.slice(weights + r * outputs, weights + r * outputs + size),
      )
      return { weights: rows, bias: data.slice(bias, bias + size) }
    })
  }
}
