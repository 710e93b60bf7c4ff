/** A policy in memory, ready to act. */
import { type Act, choose } from './choice.ts'
import { floatsOf, type PolicyFile } from './policy-file.ts'

export type { Act } from './choice.ts'

interface Layer {
  readonly inputs: number
  readonly outputs: number
  readonly weights: Float32Array
  readonly bias: Float32Array
}

export class Policy {
  readonly file: PolicyFile
  readonly #layers: readonly Layer[]

  constructor(file: PolicyFile) {
    this.file = file
    this.#layers = file.layers.map(({ inputs, outputs, weights, bias }) => ({
      inputs,
      outputs,
      weights: floatsOf(weights),
      bias: floatsOf(bias),
    }))
  }

  logits(observation: ArrayLike<number>): Float32Array {
    let values: Float32Array = Float32Array.from(observation)
    for (const [i, layer] of this.#layers.entries()) {
      values = linear(layer, values)
      if (i < this.#layers.length - 1) tanh(values)
    }
    return values
  }

  /** The likeliest action. `mask`: 1 for what is possible. */
  act(observation: ArrayLike<number>, mask: ArrayLike<number> | null): Act {
    return choose(this.logits(observation), mask, this.file.actions)
  }
}

const linear = ({ inputs, outputs, weights, bias }: Layer, from: Float32Array): Float32Array => {
  const to = new Float32Array(bias)
  for (let r = 0, at = 0; r < inputs; r++) {
    const x = from[r]!
    for (let c = 0; c < outputs; c++, at++) to[c] = to[c]! + x * weights[at]!
  }
  return to
}

const tanh = (values: Float32Array): void => {
  for (let i = 0; i < values.length; i++) values[i] = Math.tanh(values[i]!)
}
