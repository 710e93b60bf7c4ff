/** Environments outside of this process, in the words of their frames. */
import type { EnvironmentChild } from './child.ts'
import { flags, stepHeaderBytes } from './frames.ts'

export interface OutsideStep {
  readonly reward: number
  readonly terminated: boolean
  readonly truncated: boolean
}

/** Environments are named by the numbers that `make` answers. All wait for the answer. */
export class OutsideEnvironments {
  /** What the process says of them: JSON, not checked. */
  readonly description: unknown
  readonly #child: EnvironmentChild
  readonly #begun = new Set<number>()
  #made = 0

  /** @throws Error why they cannot be had */
  constructor(child: EnvironmentChild, wanted: object) {
    this.#child = child
    const text = child.ask('open', 0, Buffer.from(JSON.stringify(wanted)))
    this.description = JSON.parse(text.toString())
  }

  get pid(): number {
    return this.#child.pid
  }

  make(): number {
    const environment = this.#made++
    this.#child.ask('make', environment)
    return environment
  }

  /** Writes the first observation into `into`. `seed` is a whole number. */
  reset(environment: number, seed: number, into: Float32Array): void {
    const payload = Buffer.allocUnsafe(8)
    payload.writeDoubleLE(seed)
    observe(this.#child.ask('reset', environment, payload), 0, into)
  }

  /** Hands the action over already; `step` must follow. So that many step at the price of one. */
  begin(environment: number, action: number): void {
    const payload = Buffer.allocUnsafe(4)
    payload.writeUInt32LE(action)
    this.#child.tell('step', environment, payload)
    this.#begun.add(environment)
  }

  step(environment: number, action: number, into: Float32Array): OutsideStep {
    if (!this.#begun.has(environment)) this.begin(environment, action)
    this.#begun.delete(environment)
    const answer = this.#child.hear(environment)
    observe(answer, stepHeaderBytes, into)
    const ends = answer.readUInt32LE(8)
    return {
      reward: answer.readDoubleLE(0),
      terminated: (ends & flags.terminated) !== 0,
      truncated: (ends & flags.truncated) !== 0,
    }
  }

  /** In base 64; null: it cannot be saved. */
  save(environment: number): string | null {
    const bytes = this.#child.ask('save', environment)
    return bytes.length === 0 ? null : bytes.toString('base64')
  }

  load(environment: number, saved: string): void {
    this.#child.ask('load', environment, Buffer.from(saved, 'base64'))
  }

  close(environment: number): void {
    this.#child.ask('close', environment)
  }

  /** Of all of them, and of the process. */
  end(): void {
    this.#child.end()
  }
}

const observe = (answer: Buffer, from: number, into: Float32Array): void => {
  const bytes = answer.length - from
  if (bytes !== into.byteLength) {
    throw new Error(`An observation has ${bytes / 4} numbers, not ${into.length}`)
  }
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(answer.subarray(from))
}
