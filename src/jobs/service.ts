/** What other plugins may ask of jobs. */
import type { Who } from '../auth/who.ts'
import { defineService } from '../kernel/plugin.ts'
import type { JobState } from './job.ts'
import type { JobBytes } from './job-bytes.ts'
import type { NodeView } from './node-list.ts'
import type { MetricSink } from './sink.ts'
import type { Submission } from './submission.ts'
import type { JobView } from './view.ts'

export interface JobFilter {
  /** The beginning of the id. */
  readonly id?: string
  /** Only the caller's own, also for those who may see others'. */
  readonly isMine?: boolean
  readonly state?: readonly JobState[]
  readonly kind?: string
  readonly projectId?: number
  readonly node?: string
  /** Part of the name, in any case. */
  readonly name?: string
  readonly skip?: number
  readonly limit?: number
}

export interface Jobs {
  /**
   * Puts a job into the queue. With an idempotency key that its owner used before: that job.
   * @throws HearthError `validation`, `conflict`
   */
  submit(who: Who, submission: Submission): Promise<JobView>
  /** @throws HearthError `not_found`, also for a job that is not the caller's; so do all below */
  get(who: Who, jobId: string): Promise<JobView>
  list(who: Who, filter: JobFilter): Promise<{ jobs: JobView[]; total: number }>
  /** Each throws HearthError `conflict` when the state of the job does not allow it. */
  cancel(who: Who, jobId: string): Promise<JobView>
  pause(who: Who, jobId: string): Promise<JobView>
  resume(who: Who, jobId: string): Promise<JobView>
  retry(who: Who, jobId: string): Promise<JobView>
  /** Deletes a job that has ended, and its files. */
  remove(who: Who, jobId: string): Promise<void>
  /**
   * Calls `listener` after a job of that kind ended. At least once, also after a crash, when it was
   * registered in the plugin's `setup`; a listener that throws is called again at the next start.
   */
  onFinished(kind: string, listener: (job: JobView) => void | Promise<void>): void
  addSink(sink: MetricSink): void
  /** Where jobs are run, whether it answers or not; jobs of others are left out. */
  nodes(): Promise<readonly Omit<NodeView, 'jobs'>[]>
  /** Inputs, logs, events and artifacts. */
  readonly bytes: JobBytes
  /**
   * The identity of the server's own node. Makes its credential anew, so any earlier one is void.
   * `node` is the id it had before, if any.
   */
  ownNode(node?: string): Promise<{ node: string; credential: string }>
}

export const jobs = defineService<Jobs>('jobs')
