/** The kernel with a memory of its own; arrays in it are views, pointers are byte offsets. */
import path from './kernel.wasm' with { type: 'file' }

interface Exports {
  forward(
    x: number,
    w: number,
    b: number,
    y: number,
    rows: number,
    n: number,
    m: number,
    act: number,
  ): void
  backTanh(y: number, dy: number, count: number): void
  backWeights(
    x: number,
    dz: number,
    dw: number,
    db: number,
    rows: number,
    n: number,
    m: number,
  ): void
  backInput(dz: number, w: number, dx: number, rows: number, n: number, m: number): void
  squares(g: number, count: number): number
  adam(
    p: number,
    g: number,
    m: number,
    v: number,
    count: number,
    scale: number,
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    c1: number,
    c2: number,
  ): void
}

const pageBytes = 65_536
/** Nothing lies at 0, so that a forgotten pointer does no harm unseen. */
const firstByte = 1024

let compiled: Promise<WebAssembly.Module> | undefined
const module = (): Promise<WebAssembly.Module> =>
  (compiled ??= Bun.file(path)
    .arrayBuffer()
    .then((bytes) => WebAssembly.compile(bytes)))

export interface Vector {
  readonly at: number
  readonly data: Float32Array
}

/** Widths of outputs are padded to whole lanes. */
export const padded = (count: number): number => Math.ceil(count / 4) * 4

export class Kernel {
  readonly run: Exports
  readonly #memory: WebAssembly.Memory
  #end = firstByte

  private constructor(memory: WebAssembly.Memory, run: Exports) {
    this.#memory = memory
    this.run = run
  }

  /** `bytes`: all that will ever be taken, since growing the memory would detach the views. */
  static async open(bytes: number): Promise<Kernel> {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((bytes + firstByte) / pageBytes) })
    const instance = await WebAssembly.instantiate(await module(), { env: { memory } })
    return new Kernel(memory, instance.exports as unknown as Exports)
  }

  /** Zeros. @throws RangeError when more is taken than was asked for */
  take(count: number): Vector {
    const at = this.#end
    this.#end += Math.ceil(count / 4) * 16
    return { at, data: new Float32Array(this.#memory.buffer, at, count) }
  }
}
