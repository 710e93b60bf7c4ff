/** Puts jobs into the queue. */
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Value } from '@sinclair/typebox/value'
import type { Who } from '../auth/who.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import { sql } from '../storage/sql.ts'
import { moveJob, noteChange } from './change.ts'
import type { Commits, Work } from './commits.ts'
import { newJobId } from './ids.ts'
import { isTerminal } from './job.ts'
import { demandOf, shapeOf } from './match.ts'
import { Plan } from './plan.ts'
import { completePolicy, graceOf } from './policy.ts'
import { among } from './json-rows.ts'
import { forUpdate, type Job, jobsWhere } from './rows.ts'
import type { Runner } from './runner.ts'
import type { Sealer } from '../auth/sealer.ts'
import type { Streams } from './streams.ts'
import { Submission } from './submission.ts'

export interface SubmitOptions {
  readonly commits: Commits
  readonly clock: Clock
  readonly sealer: Sealer
  readonly streams: Pick<Streams, 'useInputs'>
  readonly runners: () => ReadonlyMap<string, Runner>
  readonly maxQueuedPerOwner: number
}

export type Submit = (who: Who, submission: Submission) => Promise<Job>

/** A submission that was checked, and the plan that came of it. */
interface Prepared {
  readonly id: string
  readonly who: Who
  readonly submission: Submission
  readonly plan: Plan
  readonly secrets: string | null
  readonly readyAt: number
}

const checker = TypeCompiler.Compile(Submission)

export const invalid = (path: string, message: string): HearthError =>
  new HearthError('validation', `${path}: ${message}`, { issues: [{ path, message }] })

export const createSubmit = (options: SubmitOptions): Submit => {
  const { commits, sealer } = options
  return async (who, submission) => {
    const problem = checker.Check(submission) ? undefined : checker.Errors(submission).First()
    if (problem) throw invalid(problem.path, problem.message)
    const id = newJobId()
    const plan = await planOf(options, id, who, submission)
    const { secrets } = submission
    const hasSecrets = secrets !== undefined && Object.keys(secrets).length > 0
    const prepared: Prepared = {
      id,
      who,
      submission,
      plan,
      secrets: hasSecrets ? await sealer.seal(id, secrets) : null,
      // At once, also when this clock is ahead of others, or is set back.
      readyAt: notBefore(submission.not_before) ?? 0,
    }
    return commits.commit(id, (work) => insert(work, prepared, options))
  }
}

const notBefore = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw invalid('/not_before', 'must be a time as of ISO 8601')
  return ms
}

const planOf = async (
  { runners }: SubmitOptions,
  jobId: string,
  who: Who,
  { kind = 'command', plan, spec, timeout_ms }: Submission,
): Promise<Plan> => {
  const made = kind === 'command' ? heldPlan(who, commandPlan(plan, spec)) : await kindPlan()
  if (timeout_ms === undefined) return made
  const wallMs = Math.min(made.limits?.wallMs ?? timeout_ms, timeout_ms)
  return { ...made, limits: { ...made.limits, wallMs } }

  async function kindPlan(): Promise<Plan> {
    const runner = runners().get(kind)
    if (!runner) {
      const known = ['command', ...runners().keys()].join(', ')
      throw new HearthError('bad_request', `There is no kind of job ${kind}; known: ${known}`)
    }
    if (plan !== undefined) throw invalid('/plan', `a job of kind ${kind} takes a spec instead`)
    const problem = Value.Errors(runner.spec, spec).First()
    if (problem) throw invalid(`/spec${problem.path}`, problem.message)
    return runner.plan(spec, { jobId, ownerId: who.id })
  }
}

const commandPlan = (plan: Plan | undefined, spec: unknown): Plan => {
  if (spec !== undefined) throw invalid('/spec', 'a job of kind command takes a plan instead')
  if (!plan) throw invalid('/plan', 'is missing')
  return plan
}

/**
 * Without a sandbox a program has the rights of its node, the server's own among them: to read its
 * key, say. So only administrators may go without; other people's programs are held by default.
 */
const heldPlan = (who: Who, plan: Plan): Plan => {
  if (who.isSuperuser || plan.image !== undefined) return plan
  const { sandbox = 'bwrap' } = plan
  if (sandbox === 'bwrap' || sandbox === 'docker') return { ...plan, sandbox }
  throw new HearthError('forbidden', `Only administrators may use the sandbox level ${sandbox}`)
}

const insert = async (work: Work, prepared: Prepared, options: SubmitOptions): Promise<Job> => {
  const { tx } = work
  const { who, submission } = prepared
  const key = submission.idempotency_key
  if (key !== undefined) {
    const same = sql`owner_id = ${who.id} and idempotency_key = ${key}`
    const [known] = await jobsWhere(tx, same)
    if (known) return known
  }
  await checkQueue(work, who, options.maxQueuedPerOwner)
  const before = await dependencies(work, who, submission.after ?? [])
  const waitingFor = before.filter(({ state }) => state !== 'succeeded').length
  const nowMs = options.clock.now()
  await insertRow(work, prepared, waitingFor, nowMs)
  const [job] = await jobsWhere(tx, sql`id = ${prepared.id}`)
  await tx.run(sql`insert into jobs_plan (job_id, plan, secrets)
    values (${prepared.id}, ${JSON.stringify(prepared.plan)}, ${prepared.secrets})`)
  for (const { id } of before) {
    await tx.run(sql`insert into jobs_dependency (job_id, after_id)
      values (${prepared.id}, ${id})`)
  }
  if ((prepared.plan.files ?? []).length > 0) {
    await options.streams.useInputs(tx, prepared.id, who.id, prepared.plan)
  }
  noteChange(work, null, job!, 'submit', { nowMs, actor: `user:${who.id}` })
  const blocker = before.find(({ state }) => isTerminal(state) && state !== 'succeeded')
  if (!blocker) return job!
  const why = `Job ${blocker.id} (${blocker.name}), which it was to follow, ${blocker.state}`
  const outcome = { reason: 'cancelled', exitCode: null, signal: null, message: why } as const
  const moved = await moveJob(
    work,
    job!,
    { type: 'cancel' },
    { nowMs, actor: 'server', why, outcome },
  )
  return moved.ok ? moved.job : job!
}

/** A program gone wild must not fill the queue for everybody. */
const checkQueue = async ({ tx }: Work, who: Who, max: number): Promise<void> => {
  if (who.isSuperuser) return
  const [row] = await tx.rows<{ n: number }>(sql`
    select count(*) as n from jobs_job where owner_id = ${who.id} and state = 'queued'`)
  if ((row?.n ?? 0) < max) return
  throw new HearthError('conflict', `There are ${max} queued jobs of this user already`)
}

/** Held, so that none of them can end unseen while this job is being added. */
const dependencies = async ({ tx }: Work, who: Who, ids: readonly string[]): Promise<Job[]> => {
  if (ids.length === 0) return []
  const found = await jobsWhere(tx, sql`${among(tx, sql`id`, ids)} order by id ${forUpdate(tx)}`)
  const own = found.filter(({ ownerId }) => who.isSuperuser || ownerId === who.id)
  const missing = ids.filter((id) => !own.some((job) => job.id === id))
  if (missing.length > 0) throw invalid('/after', `no such job: ${missing.join(', ')}`)
  await tx.run(sql`update jobs_job set followed = 1 where ${among(tx, sql`id`, ids)}`)
  return own
}

const insertRow = (
  { tx }: Work,
  { id, who, submission, plan, secrets, readyAt }: Prepared,
  waitingFor: number,
  nowMs: number,
) => {
  const { kind = 'command', priority = 0, project_id = null, timeout_ms = null } = submission
  const name =
    submission.name ??
    plan.command
      .join(' ')
      .replace(/[^ -~]+/g, ' ')
      .slice(0, 80)
  const graceMs = graceOf(plan)
  const policy = completePolicy(submission.policy, graceMs)
  const demand = demandOf(plan)
  return tx.run(sql`
    insert into jobs_job (id, owner_id, project_id, kind, name, state, desired, attempt,
      retries_left, version, priority, waiting_for, ready_at, shape, demand, policy, timeout_ms,
      grace_ms, idempotency_key, overdue, has_secrets, told, followed, created_at, queued_at)
    values (${id}, ${who.id}, ${project_id}, ${kind}, ${name}, 'queued', 'run', 0,
      ${policy.max_attempts - 1}, 1, ${priority}, ${waitingFor}, ${readyAt}, ${shapeOf(demand)},
      ${JSON.stringify(demand)}, ${JSON.stringify(policy)}, ${timeout_ms}, ${graceMs},
      ${submission.idempotency_key ?? null}, 0, ${secrets !== null}, 0, 0, ${nowMs}, ${nowMs})`)
}
