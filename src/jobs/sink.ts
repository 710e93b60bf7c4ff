/** Where the metrics of jobs go: other plugins may add such a place. */
import type { JobState } from './job.ts'

export interface MetricPoint {
  readonly name: string
  /** May be NaN or infinite. */
  readonly value: number
  readonly step: number
  /** Microseconds since the epoch; absent: the time of arrival. */
  readonly time?: number
}

export interface MetricBatch {
  readonly job: SinkJob
  readonly attempt: number
  /** The same for the same points, also after a crash: what was stored under it is not again. */
  readonly batchId: string
  readonly points: readonly MetricPoint[]
}

/** What a sink is told of a job. */
export interface SinkJob {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly ownerId: number
  readonly projectId: number | null
  readonly state: JobState
  readonly command: readonly string[]
}

export interface MetricSink {
  /**
   * Stores points; they are on disk when it resolves. Called again with the same batch after a
   * crash, and after an error that may pass. Answers an id to show with the job.
   * @throws HearthError for what no repetition will mend: the batch is dropped, and logged
   */
  append(batch: MetricBatch): Promise<string | null>
  /** The job, of which there were metrics, ended. */
  ended?(job: SinkJob): Promise<void>
}
