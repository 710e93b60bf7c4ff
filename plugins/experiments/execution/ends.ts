/** Waits for the ends of jobs: told by the engine, and looked for where that may go amiss. */
import type { Clock, Jobs, JobView, Who } from '../../../src/sdk.ts'

const terminal = new Set(['succeeded', 'failed', 'cancelled'])

/** Another server may have heard the end. */
const lookMs = 5_000

export class Ends {
  readonly #jobs: Jobs
  readonly #clock: Clock
  readonly #waiting = new Map<string, () => void>()

  /** To be made in the plugin's `setup`: ends of every job of the kind are heard from then on. */
  constructor(jobs: Jobs, clock: Clock, kind: string) {
    this.#jobs = jobs
    this.#clock = clock
    jobs.onFinished(kind, ({ id }) => this.#waiting.get(id)?.())
  }

  async of(who: Who, jobId: string): Promise<JobView> {
    const { promise, resolve } = Promise.withResolvers<JobView>()
    const look = async () => {
      const job = await this.#jobs.get(who, jobId)
      if (terminal.has(job.state)) resolve(job)
    }
    const lookAgain = () => void look().catch(() => undefined)
    this.#waiting.set(jobId, lookAgain)
    const timer = this.#clock.every(lookMs, lookAgain)
    try {
      await look()
      return await promise
    } finally {
      timer.cancel()
      this.#waiting.delete(jobId)
    }
  }
}
