/** Waits for the ends of jobs: told by the engine, and looked for where that may go amiss. */
import { type Clock, HearthError, type Jobs, type JobView } from '../../../src/sdk.ts'
import type { Timer, Who } from '../../../src/sdk.ts'

const terminal = new Set(['succeeded', 'failed', 'cancelled'])

/** Another server may have heard the end. */
const lookMs = 5_000

/** Of commands, which programs without a sandbox are: nobody is told of their ends. */
const lookAtCommandsMs = 100

export class Ends {
  readonly #jobs: Pick<Jobs, 'get'>
  readonly #clock: Clock
  readonly #kind: string
  readonly #waiting = new Map<string, () => void>()

  /** To be made in the plugin's `setup`: ends of every job of the kind are heard from then on. */
  constructor(jobs: Pick<Jobs, 'get' | 'onFinished'>, clock: Clock, kind: string) {
    this.#jobs = jobs
    this.#clock = clock
    this.#kind = kind
    jobs.onFinished(kind, ({ id }) => this.#waiting.get(id)?.())
  }

  /**
   * The job when it has ended; or queued as it is, once no node that is there would have taken it
   * for `patienceMs`: its `detail` tells why.
   * @throws HearthError `not_found` for a job that is deleted meanwhile
   */
  async of(who: Who, jobId: string, patienceMs = Infinity): Promise<JobView> {
    const { promise, resolve, reject } = Promise.withResolvers<JobView>()
    let hopelessSinceMs: number | null = null
    const isGivenUp = ({ state, detail }: JobView): boolean => {
      const isHopeless = state === 'queued' && detail !== null
      hopelessSinceMs = isHopeless ? (hopelessSinceMs ?? this.#clock.now()) : null
      return hopelessSinceMs !== null && this.#clock.now() - hopelessSinceMs >= patienceMs
    }
    const look = async (): Promise<JobView> => {
      const job = await this.#jobs.get(who, jobId)
      if (terminal.has(job.state) || isGivenUp(job)) resolve(job)
      return job
    }
    const lookAgain = () =>
      void look().catch((error: unknown) => {
        // Anything else may pass.
        if (error instanceof HearthError && error.code === 'not_found') reject(error)
      })
    this.#waiting.set(jobId, lookAgain)
    let timer: Timer | undefined
    try {
      const { kind } = await look()
      timer = this.#clock.every(kind === this.#kind ? lookMs : lookAtCommandsMs, lookAgain)
      return await promise
    } finally {
      timer?.cancel()
      this.#waiting.delete(jobId)
    }
  }
}
