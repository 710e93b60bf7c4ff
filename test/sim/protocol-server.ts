/**
 * The server of the fast simulation: the real transitions, replies and policies around a map of
 * jobs. What the engine does in SQL (who is silent, who is given what) is said again here.
 */
import { isTerminal, type JobCore, type JobEvent, transition } from '../../src/jobs/job.ts'
import type { Outcome } from '../../src/jobs/outcome.ts'
import { completePolicy } from '../../src/jobs/policy.ts'
import type { SyncReply } from '../../src/jobs/protocol.ts'
import { draftReply, type Holding } from '../../src/jobs/reply.ts'
import type { Job } from '../../src/jobs/rows.ts'
import type { JobPolicy, Submission } from '../../src/jobs/submission.ts'
import { BrokenError } from './broken.ts'
import type { EventQueue } from './protocol-queue.ts'

export interface ModelJob {
  readonly id: string
  readonly policy: JobPolicy
  readonly graceMs: number
  readonly runMs: number
  readonly exitCode: number
  readonly hasCheckpoint: boolean
  core: JobCore
  node: string | null
  resumes: number
}

export const slots = 2
const beatMs = 5000
const unstartedMs = 60_000
const lostAfterMs = 15_000
const missingMs = 30_000
const lapsed: Outcome = { reason: 'shim_lost', exitCode: null, signal: null }

const isActive = ({ core: { state } }: ModelJob): boolean =>
  state === 'assigned' || state === 'running' || state === 'lost'

export class ModelServer {
  readonly jobs = new Map<string, ModelJob>()
  #heardMs = new Map<string, number>()
  #missingSinceMs = new Map<string, number>()
  #startedMs = 0
  readonly #queue: EventQueue

  constructor(queue: EventQueue) {
    this.#queue = queue
  }

  submit(job: Omit<ModelJob, 'core' | 'node' | 'resumes' | 'policy'>, given: Submission['policy']) {
    const policy = completePolicy(given, job.graceMs)
    const core = {
      state: 'queued',
      desired: 'run',
      attempt: 0,
      retriesLeft: policy.max_attempts - 1,
    } as const
    this.jobs.set(job.id, { ...job, policy, core, node: null, resumes: 0 })
  }

  /** What it knew in memory is gone. */
  restart(): void {
    this.#heardMs = new Map()
    this.#missingSinceMs = new Map()
    this.#startedMs = this.#queue.nowMs
  }

  command(job: ModelJob, type: 'cancel' | 'pause' | 'resume'): void {
    if (this.#move(job, { type }) && type === 'resume') job.resumes++
  }

  sync(node: string, holding: readonly Holding[]): SyncReply {
    this.#heardMs.set(node, this.#queue.nowMs)
    const held = new Set(holding.map(({ job, attempt }) => `${job}/${attempt}`))
    for (const job of this.#activeOn(node)) {
      const { attempt, state } = job.core
      const key = `${job.id}/${attempt}`
      if (held.has(key)) {
        this.#missingSinceMs.delete(key)
        if (state === 'lost') this.#move(job, { type: 'find', attempt })
      } else if (state !== 'assigned') {
        const since = this.#missingSinceMs.get(key) ?? this.#queue.nowMs
        this.#missingSinceMs.set(key, since)
        if (this.#queue.nowMs - since >= missingMs) {
          this.#move(job, { type: 'finish', attempt, outcome: lapsed })
        }
      }
    }
    this.#claim(node)
    const active = new Map(
      this.#activeOn(node).map((job) => [job.id, { ...job.core, id: job.id } as Job]),
    )
    const { work, want, drop } = draftReply({ active, accepting: true }, holding)
    return {
      work: work.map(({ id, attempt }) => ({
        job: id,
        attempt,
        plan: { command: ['model'] },
        gpus: [],
        stopAfterMs: this.jobs.get(id)?.policy.stop_after_ms ?? null,
        checkpoint: null,
      })),
      want,
      drop,
    }
  }

  start(node: string, jobId: string, attempt: number): 200 | 410 {
    const job = this.jobs.get(jobId)
    if (job?.node !== node) return 410
    const moved = transition(job.core, { type: 'start', attempt })
    if (moved.ok) this.#move(job, { type: 'start', attempt })
    return moved.ok || moved.why === 'repeated' ? 200 : 410
  }

  finish(node: string, jobId: string, attempt: number, outcome: Outcome): 200 | 410 {
    const job = this.jobs.get(jobId)
    if (job?.node !== node || job.core.attempt !== attempt) return 410
    const moved = transition(job.core, { type: 'finish', attempt, outcome })
    if (moved.ok) this.#move(job, { type: 'finish', attempt, outcome })
    return moved.ok || moved.why === 'repeated' ? 200 : 410
  }

  sweep(): void {
    for (const job of this.jobs.values()) {
      if (!isActive(job)) continue
      const heardMs = this.#heardMs.get(job.node as string) ?? this.#startedMs
      const silenceMs = this.#queue.nowMs - heardMs - beatMs
      const { reassign_after_ms } = job.policy
      const isOver = reassign_after_ms !== null && silenceMs >= reassign_after_ms
      const { state, desired, attempt } = job.core
      const dueMs = state === 'assigned' || desired === 'cancel' ? unstartedMs : lostAfterMs
      const isDue = isOver || dueMs <= silenceMs
      if (isDue && (state !== 'lost' || isOver)) this.#move(job, { type: 'lose', attempt, isOver })
    }
  }

  #activeOn(node: string): ModelJob[] {
    return [...this.jobs.values()].filter((job) => job.node === node && isActive(job))
  }

  #claim(node: string): void {
    let free = slots - this.#activeOn(node).length
    for (const job of this.jobs.values()) {
      if (free <= 0) return
      if (!this.#move(job, { type: 'claim' })) continue
      job.node = node
      free--
    }
  }

  #move(job: ModelJob, event: JobEvent): boolean {
    const moved = transition(job.core, event)
    if (!moved.ok) return false
    if (isTerminal(job.core.state)) throw new BrokenError(`${job.id} went on after its end`)
    if (moved.job.attempt < job.core.attempt) throw new BrokenError(`${job.id} went back`)
    job.core = moved.job
    return true
  }
}
