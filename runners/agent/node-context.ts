/** What the attempts of one node share. */
import type { Clock, Logger } from '../../src/sdk.ts'
import type { AttemptStore, StoredAttempt } from './attempt-store.ts'
import type { Executors } from './executors.ts'
import type { Wire } from './wire.ts'

/** What a prepared attempt needs to run. */
export interface Prepared {
  /** Before the system's in PATH. */
  readonly binDirs: readonly string[]
  readonly pythonPath: readonly string[]
}

/** Makes attempts ready to start. Every call may be repeated from any state a crash left. */
export interface Preparation {
  /** @throws PrepareError when another try cannot help */
  place(stored: StoredAttempt, report: Report, signal: AbortSignal): Promise<void>
  /** @throws PrepareError when another try cannot help */
  environment(stored: StoredAttempt, report: Report, signal: AbortSignal): Promise<Prepared>
  /** Removes what no attempt needs any more; called now and then. */
  clean(): Promise<void>
}

/** Told what is being done, for people. */
export type Report = (detail: string) => void

export interface NodeContext {
  readonly wire: Wire
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  /** Milliseconds since the host booted. */
  readonly monotonicMs: () => number
  readonly store: AttemptStore
  readonly executors: Executors
  readonly preparation: Preparation
  /** Something that the server should hear of within `soonMs`. */
  changed(soonMs: number): void
}
