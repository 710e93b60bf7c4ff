/** Many questions, one run: whatever asks while the event loop turns is answered together. */
import { HearthError } from '../../../src/sdk.ts'
import type { Network } from './onnx-runtime.ts'

interface Question {
  readonly observation: ArrayLike<number>
  readonly answer: (logits: Float32Array) => void
  readonly fail: (error: unknown) => void
}

export class Batch {
  readonly #network: Network
  readonly #width: number
  #waiting: Question[] = []
  #isRunning = false
  #isClosed = false

  /** `width`: length of an observation. */
  constructor(network: Network, width: number) {
    this.#network = network
    this.#width = width
  }

  /** The network is given back once everybody has an answer. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isRunning) void this.#network.release()
  }

  /** Logits for one observation. */
  ask(observation: ArrayLike<number>): Promise<Float32Array> {
    return new Promise((answer, fail) => {
      if (this.#isClosed) return fail(new HearthError('unavailable', 'Put aside: ask again'))
      this.#waiting.push({ observation, answer, fail })
      if (this.#isRunning) return
      this.#isRunning = true
      // Requests that are here already are read first.
      setImmediate(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const questions = this.#waiting.splice(0, this.#network.maxRows)
      await this.#answer(questions)
    }
    this.#isRunning = false
    if (this.#isClosed) await this.#network.release()
  }

  async #answer(questions: readonly Question[]): Promise<void> {
    try {
      const rows = new Float32Array(questions.length * this.#width)
      for (const [n, { observation }] of questions.entries()) rows.set(observation, n * this.#width)
      const logits = await this.#network.run(rows, questions.length)
      const actions = logits.length / questions.length
      for (const [n, { answer }] of questions.entries()) {
        answer(logits.subarray(n * actions, (n + 1) * actions))
      }
    } catch (error) {
      for (const { fail } of questions) fail(error)
    }
  }
}
