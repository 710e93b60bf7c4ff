/** How far a job has come, and when it will be done: the rate of the last while, carried on. */

/** One sample a second at most, so that the window is at least a minute and a half. */
const sampleGapMs = 1_000
const maxSamples = 100

interface Sample {
  readonly done: number
  readonly at: number
}

/** The latest samples of one job; after a restart of the server it begins with the stored first. */
export class Pace {
  #samples: Sample[] = []

  constructor(first?: Sample) {
    if (first) this.#samples.push(first)
  }

  /** Takes a sample; answers when `total` will be reached, in milliseconds since the epoch. */
  add(done: number, total: number | null, at: number): number | null {
    const latest = this.#samples.at(-1)
    if (latest && done < latest.done) this.#samples = []
    const before = this.#samples.at(-2)
    if (before && at - before.at < sampleGapMs) this.#samples.pop()
    this.#samples.push({ done, at })
    if (this.#samples.length > maxSamples) this.#samples.shift()
    const oldest = this.#samples[0] as Sample
    if (total === null || done <= oldest.done || at <= oldest.at) return null
    if (done >= total) return at
    const perMs = (done - oldest.done) / (at - oldest.at)
    return Math.round(at + (total - done) / perMs)
  }

  /** Where the present run of samples began. */
  get first(): Sample | undefined {
    return this.#samples[0]
  }
}
