/** Programs that only tell what they would come to, run as jobs that outlive every server. */
import type {
  StepExecutor,
  StepRequest,
} from '../../../../plugins/experiments/execution/executor.ts'
import { notRun } from '../../../../plugins/experiments/engine/without-code.ts'
import type { Run } from '../../../../plugins/experiments/journal/node.ts'

/** What a program comes to; `held`: it runs until the test ends it, or it is cancelled. */
export type Outcome = (request: StepRequest) => Promise<Partial<Run> | 'held'>

export interface ScriptedJob {
  readonly key: string
  readonly request: StepRequest
  readonly ended: Promise<Run>
  isRunning: boolean
  end(run?: Partial<Run>): void
}

/** A program is JSON: `score` is what it prints, `fails` that it ends by an exception. */
export const asItSays: Outcome = async ({ code }) => {
  const { score, fails } = JSON.parse(code) as { score?: number; fails?: boolean }
  const text = String(score ?? '')
  const bytes = text.length
  return {
    exitCode: fails ? 1 : 0,
    failure: fails ? 'exception' : null,
    output: { head: text, tail: '', omittedBytes: 0, totalBytes: bytes },
  }
}

export const held: Outcome = async () => 'held'

export class ScriptedJobs implements StepExecutor {
  readonly all = new Map<string, ScriptedJob>()
  /** Most programs of one experiment at once. */
  readonly most = new Map<string, number>()
  outcome: Outcome = asItSays
  /** Told of every begin and end. */
  changed: () => void = () => undefined

  running(experimentId?: string): ScriptedJob[] {
    return [...this.all.values()].filter(
      ({ isRunning, request }) =>
        isRunning && (experimentId === undefined || request.experimentId === experimentId),
    )
  }

  job(experimentId: string, attempt: string): ScriptedJob {
    const found = this.all.get(`${experimentId}/${attempt}`)
    if (!found) throw new Error(`${attempt} was never begun`)
    return found
  }

  async run(
    request: StepRequest,
    started: (jobId: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Run> {
    const key = `${request.experimentId}/${request.attempt}`
    const job = this.all.get(key) ?? this.#begin(key, request)
    await started(`job of ${key}`)
    const cancel = () => job.end({ failure: 'cancelled' })
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    const run = await job.ended
    signal.removeEventListener('abort', cancel)
    return run
  }

  packages = async (): Promise<Readonly<Record<string, string>>> => ({})

  #begin(key: string, request: StepRequest): ScriptedJob {
    const { promise, resolve } = Promise.withResolvers<Run>()
    const { experimentId } = request
    const job: ScriptedJob = {
      key,
      request,
      ended: promise,
      isRunning: true,
      end: (run = {}) => {
        if (!job.isRunning) return
        job.isRunning = false
        resolve({ ...notRun, jobId: `job of ${key}`, ...run })
        this.changed()
      },
    }
    this.all.set(key, job)
    const atOnce = this.running(experimentId).length
    this.most.set(experimentId, Math.max(atOnce, this.most.get(experimentId) ?? 0))
    void this.outcome(request).then((run) => {
      if (run !== 'held') job.end(run)
    })
    this.changed()
    return job
  }
}
