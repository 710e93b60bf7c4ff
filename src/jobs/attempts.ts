/** Start and finish: the verbs that change an attempt, each fenced by its number. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import { sql } from '../storage/sql.ts'
import { type Changed, changeJob, moveJob } from './change.ts'
import type { Commits, Work } from './commits.ts'
import { isTerminal } from './job.ts'
import type { Leases } from './leases.ts'
import type { Node } from './nodes.ts'
import { type Outcome, type OutcomeReason, outcomeTable } from './outcome.ts'
import type { FinishRequest } from './protocol.ts'
import type { JobReader } from './job-reader.ts'
import type { Job } from './rows.ts'
import type { Sealer } from '../auth/sealer.ts'
import type { Completeness, JobFacts, Streams } from './streams.ts'

export interface AttemptsOptions {
  readonly commits: Commits
  readonly sealer: Sealer
  readonly streams: Streams
  readonly clock: Clock
  readonly facts: (job: Job) => Promise<JobFacts>
  readonly readJob: JobReader
  readonly leases: Pick<Leases, 'heard'>
}

export type FinishResult = { readonly ok: true } | Exclude<Completeness, { ok: true }>

const gone = (): HearthError =>
  new HearthError('gone', 'This attempt is over: end it, and forget it')

export class Attempts {
  readonly #options: AttemptsOptions

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /** The job, when `attempt` is its current one and runs on `node`. @throws HearthError `gone` */
  async current(node: Node, jobId: string, attempt: number): Promise<Job> {
    const job = await this.#of(node, jobId, attempt)
    if (job.state === 'assigned' || job.state === 'running' || job.state === 'lost') return job
    throw gone()
  }

  async #of(node: Node, jobId: string, attempt: number): Promise<Job> {
    const job = await this.#options.readJob(jobId)
    if (job?.attempt === attempt && job.nodeId === node.id) return job
    throw gone()
  }

  /** Lets a node begin; answers the secrets of the job. @throws HearthError `gone` */
  async start(node: Node, jobId: string, attempt: number) {
    const { commits, clock, sealer, leases } = this.#options
    // The node counts its cut-off anew from when it asked for this.
    leases.heard(node.id)
    const sealed = await commits.commit(jobId, async (work) => {
      const job = await work.jobs.read(jobId)
      if (job?.nodeId !== node.id) return undefined
      const notes = { nowMs: clock.now(), actor: `node:${node.id}` }
      const changed = await moveJob(work, job, { type: 'start', attempt }, notes)
      if (!changed.ok && changed.why !== 'repeated') return undefined
      return job.hasSecrets ? sealedSecrets(work, jobId) : null
    })
    if (sealed === undefined) throw gone()
    return { secrets: sealed === null ? {} : await sealer.open(jobId, sealed) }
  }

  /** Ends an attempt, once all that it left is here. @throws HearthError `gone` */
  async finish(
    node: Node,
    jobId: string,
    attempt: number,
    request: FinishRequest,
  ): Promise<FinishResult> {
    const { streams } = this.#options
    const job = await this.#of(node, jobId, attempt)
    if (isTerminal(job.state) || job.state === 'paused') return { ok: true }
    if (job.state === 'queued') throw gone()
    const facts = await this.#options.facts(job)
    const complete = await streams.check(facts, attempt, request)
    if (!complete.ok) return complete
    const { outcome, error } = await this.#judge(job, request)
    const changed = await this.#commit(node, facts, request, outcome, error)
    if (changed.ok || changed.why === 'repeated') return { ok: true }
    throw gone()
  }

  #commit(
    node: Node,
    facts: JobFacts,
    request: FinishRequest,
    outcome: Outcome,
    error: Awaited<ReturnType<Streams['exceptionOf']>>,
  ): Promise<Changed> {
    const { commits, clock, streams } = this.#options
    const { id, attempt } = facts
    return commits.commit(id, async (work) => {
      const notes = { nowMs: clock.now(), actor: `node:${node.id}`, outcome, error }
      const changed = await changeJob(work, id, { type: 'finish', attempt, outcome }, notes)
      if (changed.ok && request.artifacts.length > 0) {
        await streams.keepArtifacts(work.tx, facts, attempt, request.artifacts)
      }
      return changed
    })
  }

  /** The node's word on how it ended, put right where the server knows better. */
  async #judge(job: Job, request: FinishRequest) {
    const { streams } = this.#options
    const told = outcomeOf(request.outcome)
    const error =
      told.reason === 'exited' && told.exitCode !== 0
        ? await streams.exceptionOf(job.id, job.attempt)
        : null
    if (told.reason === 'cancelled' && job.overdue) {
      return { outcome: { ...told, reason: 'timeout' } as const, error }
    }
    const isAsked = told.reason === 'cancelled' && job.desired === 'pause'
    if (told.reason !== 'paused' && !isAsked) return { outcome: told, error }
    if (neverBegan(told) || (await this.#hasCheckpoint(job))) {
      const { message, ...rest } = told
      const kept = isAsked ? {} : { ...(message !== undefined && { message }) }
      return { outcome: { ...rest, ...kept, reason: 'paused' } as const, error }
    }
    const message = 'It was paused but wrote no checkpoint: there is nothing to resume from'
    return { outcome: { ...told, reason: 'cancelled', message } as const, error }
  }

  /** Of this attempt, or of an earlier one that it went on from. */
  async #hasCheckpoint({ id, attempt }: Job): Promise<boolean> {
    const { streams } = this.#options
    return (await streams.sawCheckpoint(id, attempt)) || (await streams.lastCheckpoint(id)) !== null
  }
}

/** Nothing is lost with what did nothing. */
const neverBegan = ({ exitCode, signal, usage }: Outcome): boolean =>
  exitCode === null && signal === null && usage === undefined

const sealedSecrets = async ({ tx }: Work, jobId: string): Promise<string | null> => {
  const [row] = await tx.rows<{ secrets: string | null }>(
    sql`select secrets from jobs_plan where job_id = ${jobId}`,
  )
  return row?.secrets ?? null
}

const outcomeOf = ({ reason, exitCode, signal, message, usage }: FinishRequest['outcome']) => {
  if (!Object.hasOwn(outcomeTable, reason)) {
    const known = Object.keys(outcomeTable).join(', ')
    throw new HearthError('validation', `There is no outcome ${reason}; known: ${known}`)
  }
  const outcome: Outcome = {
    reason: reason as OutcomeReason,
    exitCode,
    signal,
    ...(message !== undefined && { message: message.slice(0, 10_000) }),
    ...(usage && { usage: { wallMs: 0, ...usage } }),
  }
  return outcome
}
