/** What the engine asks of the bytes of jobs: logs, events, inputs and artifacts. */
import type { Who } from '../auth/who.ts'
import type { Contributions } from '../kernel/plugin.ts'
import type { Channel } from '../live/live.ts'
import type { Transaction } from '../storage/database.ts'
import type { ByteSource, StreamName } from './attempt-log.ts'
import type { JobState } from './job.ts'
import type { JobBytes } from './job-bytes.ts'
import type { Artifact, FinishRequest, Plan } from './protocol.ts'
import type { MetricSink } from './sink.ts'

/** A job as its streams need to know it. */
export interface JobFacts {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly ownerId: number
  readonly projectId: number | null
  readonly state: JobState
  readonly attempt: number
  /** Which has the current attempt, or had the last one. */
  readonly node: string | null
  /** Grows with every change of the job that followers are to see; never falls. */
  readonly version: number
  readonly plan: Plan
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** What the streams ask of the engine. */
export interface StreamsHost {
  /** Whoever asks; null: there is no such job. */
  find(jobId: string): Promise<JobFacts | null>
  /** @throws HearthError `not_found` also for a job that is not the caller's */
  readable(who: Who, jobId: string): Promise<JobFacts>
  /**
   * The job of a node's request, when the attempt is the current one and runs on that node.
   * @throws HearthError `unauthorized` without a node's token, `gone` for a stale attempt
   */
  attemptOf(request: Request, jobId: string, attempt: number): Promise<JobFacts>
  /**
   * The node of a request, and the jobs it has at the moment: it may read their inputs.
   * @throws HearthError `unauthorized` without a node's token
   */
  nodeOf(request: Request): Promise<{ node: string; jobs: readonly JobFacts[] }>
  /** The job as users see it: what followers get. */
  view(jobId: string): Promise<object | null>
}

/** Whether all that a node says it sent is here. */
export type Completeness =
  | { readonly ok: true }
  /** Bytes are missing: the sizes that are here. */
  | { readonly ok: false; readonly status: 416; readonly log: number; readonly events: number }
  /** A digest differs; those streams were cut to nothing, all of them is to be sent again. */
  | { readonly ok: false; readonly status: 412; readonly differs: readonly StreamName[] }
  | { readonly ok: false; readonly status: 424; readonly missing: readonly string[] }

export interface Progress {
  readonly done: number
  readonly total: number | null
  readonly message: string | null
  readonly eta_s: number | null
}

export interface JobException {
  readonly type: string
  readonly message: string
}

export interface Streams {
  readonly bytes: JobBytes
  readonly routes: NonNullable<Contributions<Record<never, never>>['routes']>
  readonly channel: Channel
  /**
   * Adds bytes to a stream of an attempt; what is there already is skipped. Answers the size.
   * @throws StreamOffsetError when bytes before `offset` are missing
   */
  append(
    jobId: string,
    attempt: number,
    stream: StreamName,
    offset: number,
    bytes: ByteSource,
  ): Promise<number>
  /** Called by `finish` before it commits; when complete, bytes are on disk and events applied. */
  check(job: JobFacts, attempt: number, finish: FinishRequest): Promise<Completeness>
  /** Within the transaction of `finish`: names what the attempt left. */
  keepArtifacts(
    tx: Transaction,
    job: JobFacts,
    attempt: number,
    artifacts: readonly Artifact[],
  ): Promise<void>
  /**
   * The attempt ended, or was given up: nothing is added to its streams any more. Safe to repeat.
   * @throws what a sink or the database throws: then it is to be called again
   */
  seal(jobId: string, attempt: number): Promise<void>
  /** After each commit that changed a job: tells its followers. Free while nobody looks. */
  changed(jobId: string): void
  /** The exception at the end of an attempt's log. */
  exceptionOf(jobId: string, attempt: number): Promise<JobException | null>
  /** Whether the attempt said that it wrote a checkpoint. */
  sawCheckpoint(jobId: string, attempt: number): Promise<boolean>
  /** What the next attempt goes on from. */
  lastCheckpoint(jobId: string): Promise<{ path: string; sha256: string; sizeBytes: number } | null>
  progressOf(jobIds: readonly string[]): Promise<ReadonlyMap<string, Progress>>
  /** The tracking run, or whatever a sink keeps the job's metrics in. */
  runIdOf(jobIds: readonly string[]): Promise<ReadonlyMap<string, string>>
  /**
   * Within the transaction of a submission: keeps the inputs as long as the job is kept.
   * @throws HearthError `validation` naming digests that this owner never uploaded
   */
  useInputs(tx: Transaction, jobId: string, ownerId: number, plan: Plan): Promise<void>
  /** Within the transaction that deletes a job. */
  forget(tx: Transaction, jobId: string): Promise<void>
  /** After it: deletes the bytes. */
  remove(jobId: string): Promise<void>
  /** The job is over: sinks are told, once all its metrics were. */
  ended(job: JobFacts): Promise<void>
  addSink(sink: MetricSink): void
  start(): Promise<void>
  drain(): void
  stop(): Promise<void>
}
