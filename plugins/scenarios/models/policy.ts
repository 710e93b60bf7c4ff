/** A policy in memory, ready to act. */
import { floatsOf, type PolicyFile } from './policy-file.ts'

interface Layer {
  readonly inputs: number
  readonly outputs: number
  readonly weights: Float32Array
  readonly bias: Float32Array
}

export interface Act {
  readonly action: number
  readonly name: string
  /** Of each action; 0 where it is masked. */
  readonly probabilities: readonly number[]
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
    let from: ArrayLike<number> = observation
    const last = this.#layers.length - 1
    for (const [i, { inputs, outputs, weights, bias }] of this.#layers.entries()) {
      const to = Float32Array.from(bias)
      for (let r = 0; r < inputs; r++) {
        const x = from[r]!
        for (let c = 0; c < outputs; c++) to[c] = to[c]! + x * weights[r * outputs + c]!
      }
      if (i < last) for (let c = 0; c < outputs; c++) to[c] = Math.tanh(to[c]!)
      from = to
    }
    return from as Float32Array
  }

  /** The likeliest action. `mask`: 1 for what is possible. */
  act(observation: ArrayLike<number>, mask: ArrayLike<number> | null): Act {
    const logits = this.logits(observation)
    const isOpen = (j: number) => !mask || mask[j] === 1
    const top = Math.max(...[...logits].filter((_, j) => isOpen(j)))
    const shares = [...logits].map((logit, j) => (isOpen(j) ? Math.exp(logit - top) : 0))
    const sum = shares.reduce((total, share) => total + share, 0)
    const probabilities = shares.map((share) => share / sum)
    const action = probabilities.indexOf(Math.max(...probabilities))
    return { action, name: this.file.actions[action] ?? '', probabilities }
  }
}
