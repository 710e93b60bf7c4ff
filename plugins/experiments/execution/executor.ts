/** The interface of running a node's program: as a job of the engine, in a folder of its own. */
import type { Who } from '../../../src/sdk.ts'
import type { KeptFile, Run } from '../journal/node.ts'

export interface StepRequest {
  readonly experimentId: string
  readonly node: string
  /** `node_7`, or `node_7+seed2` for a run with another seed: makes the job's idempotency key. */
  readonly attempt: string
  readonly owner: Who
  readonly projectId: number | null
  readonly code: string
  /** Placed under `input/`. */
  readonly inputs: readonly KeptFile[]
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly memoryBytes: number | null
  readonly cpus: number
  readonly gpus: number
  readonly sandbox: 'none' | 'cgroup' | 'bwrap' | 'docker'
  readonly requirements: readonly string[]
  /** Whether it may begin in a Python that has the usual imports done. */
  readonly warm: boolean
}

export interface StepExecutor {
  /**
   * Submits the job, tells its id, then waits. A job of the same experiment and attempt that
   * exists already is taken up, so after a crash nothing runs twice. Never throws for a program's
   * fault; aborting `signal` cancels the job and waits for its end.
   */
  run(
    request: StepRequest,
    started: (jobId: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Run>
  /** Modules that a program would find, with versions; asked once for each environment. */
  packages(
    owner: Who,
    wanted: Pick<StepRequest, 'requirements' | 'sandbox'>,
  ): Promise<Readonly<Record<string, string>>>
}
