/** How an attempt ended: one table from reason to state, and whether trying again makes sense. */

/** `exited` covers exit codes and signals of the program's own; the others name who ended it. */
export const outcomeTable = {
  exited: { state: 'failed', retryable: true, text: 'The program ended with an error' },
  cancelled: { state: 'cancelled', retryable: false, text: 'Cancelled' },
  paused: { state: 'paused', retryable: false, text: 'Paused at a checkpoint' },
  timeout: { state: 'failed', retryable: false, text: 'The job ran longer than its limit' },
  oom: { state: 'failed', retryable: true, text: 'The job needed more memory than its limit' },
  disk_full: { state: 'failed', retryable: false, text: 'The job wrote more than its limit' },
  log_limit: { state: 'failed', retryable: false, text: 'The job logged more than its limit' },
  lease_expired: { state: 'failed', retryable: true, text: 'The node lost contact for too long' },
  shim_lost: { state: 'failed', retryable: true, text: 'The process that watched the job died' },
  prepare_failed: { state: 'failed', retryable: true, text: 'The job could not be prepared' },
  start_failed: { state: 'failed', retryable: false, text: 'The program could not be started' },
  refused: { state: 'failed', retryable: false, text: 'The node cannot run the job as demanded' },
} as const

export type OutcomeReason = keyof typeof outcomeTable

export interface Outcome {
  readonly reason: OutcomeReason
  readonly exitCode: number | null
  readonly signal: string | null
  /** What exactly happened, for people; masked like the log. */
  readonly message?: string
  readonly usage?: Usage
}

/** What the attempt took, as far as its node could measure it. */
export interface Usage {
  readonly wallMs: number
  readonly cpuMs?: number
  readonly peakMemoryBytes?: number
  readonly gpuPeakMemoryBytes?: number
}
