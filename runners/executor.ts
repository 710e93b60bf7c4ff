/**
 * The seam where third parties add a place to run jobs: a process, a container, a host by SSH.
 *
 * The agent drives it: `probe` once, then for each attempt `start` (or, after a restart of the
 * agent, `recover`), `signal` as often as wanted, `wait` until it has ended, `destroy`. Log and
 * exit are kept on the attempt's own folder by whatever runs beside the job (the shim), never in
 * the agent's memory, so that the agent may die at any moment.
 */
import type { Outcome, Plan, SandboxLevel } from '../src/jobs/protocol.ts'

export interface Probe {
  readonly sandboxes: readonly SandboxLevel[]
  /** Why the missing ones are missing, for `hearth doctor`. */
  readonly reasons: Readonly<Partial<Record<SandboxLevel, string>>>
}

/** One attempt on disk: everything about it lives in this folder. */
export interface AttemptFolder {
  /** `spec.json`, `claimed/`, `log`, `events`, `work/`, `cancel`, `deadline`, `exit.json`. */
  readonly path: string
  readonly job: string
  readonly attempt: number
  readonly plan: Plan
  readonly gpus: readonly string[]
}

export interface Handle {
  readonly folder: AttemptFolder
}

export interface Executor<H extends Handle = Handle> {
  readonly name: string
  /** Finds out by doing, not by version. Safe to call again. */
  probe(): Promise<Probe>
  /**
   * Gets what takes long and may be shown as the job's phase, a container image say. May come again
   * at any time before `start`. @throws PrepareError when another try cannot help
   */
  prepare?(
    folder: AttemptFolder,
    report: (detail: string) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Starts the program, its environment complete; secrets are in `env` and nowhere on disk. */
  start(folder: AttemptFolder, env: Readonly<Record<string, string>>): Promise<H>
  /** Takes up an attempt that an earlier agent started; null when there is nothing of it. */
  recover(folder: AttemptFolder): Promise<H | null>
  /** Asks the whole tree of the attempt to end: SIGTERM, the grace, SIGKILL. Idempotent. */
  stop(handle: H, why: 'cancel' | 'pause' | 'timeout' | 'deadline'): Promise<void>
  /** Resolves when nothing of the attempt runs any more. */
  wait(handle: H): Promise<Outcome>
  /** Removes what is left; safe when `start` failed and when called twice. */
  destroy(handle: H): Promise<void>
}
