/** A job as its owner sees it: times as text, no secrets, no values of the environment. */
import type { Desired, JobState } from './job.ts'
import type { OutcomeReason, Usage } from './outcome.ts'
import type { JobException, Progress } from './streams.ts'
import type { JobPolicy } from './submission.ts'
import { clientPlan, type PlanView } from './view-plan.ts'
import type { Job } from './rows.ts'
import type { Plan } from './plan.ts'

export interface OutcomeView {
  readonly reason: OutcomeReason
  readonly exit_code: number | null
  readonly signal: string | null
  readonly message: string | null
  readonly usage: Usage | null
}

export interface JobView {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly state: JobState
  readonly phase: string | null
  readonly detail: string | null
  readonly desired: Desired
  readonly attempt: number
  readonly priority: number
  readonly project_id: number | null
  readonly run_id: string | null
  readonly owner: number
  /** Name of the node that has it, or had it last. */
  readonly node: string | null
  /** Its node has not been heard of for a while. */
  readonly disconnected: boolean
  readonly created_at: string
  readonly queued_at: string
  readonly started_at: string | null
  readonly ended_at: string | null
  readonly not_before: string | null
  readonly progress: Progress | null
  readonly outcome: OutcomeView | null
  readonly error: JobException | null
  readonly policy: JobPolicy
  readonly timeout_ms: number | null
  readonly plan: PlanView
}

/** What of a job is not in its row. */
export interface ViewExtras {
  readonly plan: Plan
  readonly nodeName: string | null
  readonly disconnected: boolean
  readonly progress: Progress | null
  readonly runId: string | null
  /** Why a queued job stays so; null when there is no reason but its turn. */
  readonly waitsFor: string | null
}

const iso = (ms: number): string => new Date(ms).toISOString()
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms))

export const jobView = (job: Job, extras: ViewExtras): JobView => ({
  id: job.id,
  kind: job.kind,
  name: job.name,
  state: job.state,
  phase: job.phase,
  detail: job.detail ?? extras.waitsFor,
  desired: job.desired,
  attempt: job.attempt,
  priority: job.priority,
  project_id: job.projectId,
  run_id: extras.runId,
  owner: job.ownerId,
  node: extras.nodeName,
  disconnected: extras.disconnected,
  created_at: iso(job.createdAt),
  queued_at: iso(job.queuedAt),
  started_at: isoOrNull(job.startedAt),
  ended_at: isoOrNull(job.endedAt),
  not_before: job.state === 'queued' && job.readyAt > job.queuedAt ? iso(job.readyAt) : null,
  progress: extras.progress,
  outcome: job.outcome && {
    reason: job.outcome.reason,
    exit_code: job.outcome.exitCode,
    signal: job.outcome.signal,
    message: job.outcome.message ?? null,
    usage: job.outcome.usage ?? null,
  },
  error: job.error,
  policy: job.policy,
  timeout_ms: job.timeoutMs,
  plan: clientPlan(extras.plan),
})
