/** A multilayer perceptron in the kernel's memory: tanh inside, linear at the end. */
import { type Kernel, padded, type Vector } from '../kernel/kernel.ts'
import type { Random } from '../random.ts'

interface Layer {
  readonly inputs: number
  /** Padded. */
  readonly outputs: number
  /** Offsets into the parameters, in floats. */
  readonly weights: number
  readonly bias: number
}

const float = 4

export interface NetworkShape {
  readonly inputs: number
  readonly hidden: readonly number[]
  readonly outputs: number
}

const layersOf = ({ inputs, hidden, outputs }: NetworkShape): Layer[] => {
  const sizes = [...hidden, outputs]
  let at = 0
  let from = inputs
  return sizes.map((size) => {
    const layer = {
      inputs: from,
      outputs: padded(size),
      weights: at,
      bias: at + from * padded(size),
    }
    at = layer.bias + layer.outputs
    from = layer.outputs
    return layer
  })
}

export const parameterCount = (shape: NetworkShape): number => {
  const last = layersOf(shape).at(-1)
  return last ? last.bias + last.outputs : 0
}

/** Floats that a network takes of the kernel, beside its parameters. */
export const workspaceCount = (shape: NetworkShape, rows: number): number =>
  layersOf(shape).reduce((sum, { outputs }) => sum + 2 * (rows * outputs + 4), 8)

export class Network {
  readonly shape: NetworkShape
  readonly layers: readonly Layer[]
  /** Row length of what comes out: padded. */
  readonly width: number
  readonly #kernel: Kernel
  readonly #parameters: Vector
  readonly #gradients: Vector
  readonly #outputs: readonly Vector[]
  readonly #deltas: readonly Vector[]

  /** `parameters` and `gradients` may be parts of larger vectors: `at` is their first float. */
  constructor(
    kernel: Kernel,
    shape: NetworkShape,
    rows: number,
    parameters: Vector,
    gradients: Vector,
  ) {
    this.shape = shape
    this.layers = layersOf(shape)
    this.width = padded(shape.outputs)
    this.#kernel = kernel
    this.#parameters = parameters
    this.#gradients = gradients
    this.#outputs = this.layers.map(({ outputs }) => kernel.take(rows * outputs))
    this.#deltas = this.layers.map(({ outputs }) => kernel.take(rows * outputs))
  }

  /** Orthogonal, as in the details of PPO: gain sqrt(2) inside, `gain` at the end, biases 0. */
  initialise(random: Random, gain: number): void {
    const last = this.layers.length - 1
    this.#parameters.data.fill(0)
    for (const [i, { inputs, outputs, weights }] of this.layers.entries()) {
      const isLast = i === last
      const used = isLast ? this.shape.outputs : outputs
      const block = orthogonal(inputs, used, random)
      for (let r = 0; r < inputs; r++) {
        for (let c = 0; c < used; c++) {
          const value = (block[r * used + c] ?? 0) * (isLast ? gain : Math.SQRT2)
          this.#parameters.data[weights + r * outputs + c] = value
        }
      }
    }
  }

  /** `x`: rows of `inputs`. Answers rows of `width`. */
  forward(x: number, rows: number): Float32Array {
    let from = x
    for (const [i, { inputs, outputs, weights, bias }] of this.layers.entries()) {
      const to = this.#outputs[i]?.at ?? 0
      const { at } = this.#parameters
      const act = i === this.layers.length - 1 ? 0 : 1
      const [w, b] = [at + weights * float, at + bias * float]
      this.#kernel.run.forward(from, w, b, to, rows, inputs, outputs, act)
      from = to
    }
    return this.output
  }

  get output(): Float32Array {
    return this.#outputs.at(-1)?.data ?? new Float32Array()
  }

  /** Where the gradient of the output goes before `backward`. */
  get outputDelta(): Float32Array {
    return this.#deltas.at(-1)?.data ?? new Float32Array()
  }

  /** Adds to the gradients; `x` as for `forward`, which must have come just before. */
  backward(x: number, rows: number): void {
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const layer = this.layers[i]
      const delta = this.#deltas[i]
      if (!layer || !delta) return
      const { inputs, outputs, weights, bias } = layer
      const before = i === 0 ? x : (this.#outputs[i - 1]?.at ?? 0)
      const { at } = this.#gradients
      const [dw, db] = [at + weights * float, at + bias * float]
      this.#kernel.run.backWeights(before, delta.at, dw, db, rows, inputs, outputs)
      if (i === 0) return
      const below = this.#deltas[i - 1]?.at ?? 0
      const w = this.#parameters.at + weights * float
      this.#kernel.run.backInput(delta.at, w, below, rows, inputs, outputs)
      this.#kernel.run.backTanh(before, below, rows * inputs)
    }
  }
}

/** Rows or columns of a random rotation (Saxe et al. 2014), by Gram-Schmidt. */
const orthogonal = (rows: number, columns: number, random: Random): Float64Array => {
  const [count, length] = rows < columns ? [rows, columns] : [columns, rows]
  const vectors: Float64Array[] = []
  while (vectors.length < count) {
    const vector = Float64Array.from({ length }, () => random.normal())
    for (const other of vectors) {
      const along = vector.reduce((sum, value, k) => sum + value * (other[k] ?? 0), 0)
      for (let k = 0; k < length; k++) vector[k] = (vector[k] ?? 0) - along * (other[k] ?? 0)
    }
    const norm = Math.hypot(...vector)
    if (norm > 1e-6) vectors.push(vector.map((value) => value / norm))
  }
  const block = new Float64Array(rows * columns)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      block[r * columns + c] = (rows < columns ? vectors[r]?.[c] : vectors[c]?.[r]) ?? 0
    }
  }
  return block
}
