/** All that an executor from outside of this program may import, as `hearth/executor`. */
import type { Executor } from './executor.ts'

export type { Outcome, Plan, SandboxLevel } from '../src/jobs/protocol.ts'
export { type AttemptFiles, attemptFiles } from './attempt-files.ts'
export type { AttemptFolder, Executor, Handle, Probe } from './executor.ts'
export { readOutcome, readStop, requestStop, writeOutcome } from './shim/attempt-state.ts'
export { judge } from './shim/judge.ts'
export { stopOutcomes } from './shim/stop-reason.ts'

export interface ExecutorHost {
  /** The folder that the node's attempts lie in. */
  readonly attemptsDir: string
}

/** What the file given to `hearth agent --executor` exports by default. */
export type CreateExecutor = (host: ExecutorHost) => Executor
