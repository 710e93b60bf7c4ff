/** Runs programs as jobs of the engine, each in a folder of its own. */
import {
  type Blobs,
  type Clock,
  HearthError,
  type Jobs,
  type JobView,
  type Logger,
  Plan,
  type Runner,
  Type as t,
  type Who,
} from '../../../src/sdk.ts'
import { notRun } from '../engine/without-code.ts'
import type { KeptFile, Run } from '../journal/node.ts'
import { keepArtifacts, keepLimits } from './artifacts.ts'
import { Ends } from './ends.ts'
import { Environments, NoEnvironment } from './environments.ts'
import type { StepExecutor, StepRequest } from './executor.ts'
import { endingOf, exceptionIn } from './outcome.ts'
import { readOutput } from './output.ts'
import { stepLimits, stepPlan } from './plan.ts'

/** As `plugin id.kind`: the kind of job that a step is. */
export const stepKind = 'experiments.step'

export interface StepExecutorOptions {
  readonly jobs: Jobs
  readonly blobs: Blobs
  readonly clock: Clock
  readonly log: Logger
  /** An interpreter that every node has at this path; null: one with `requirements`. */
  readonly python: string | null
  /** Of experiments that name none. */
  readonly requirements: readonly string[]
  readonly limits?: Partial<typeof stepLimits>
  /** Of the files that a program leaves. */
  readonly keep?: Partial<typeof keepLimits>
}

/** Only this plugin makes such jobs: what a user hands in is a plan like any command's. */
export const stepRunner: Runner = {
  spec: t.Object({ plan: Plan }, { additionalProperties: false }),
  plan: (spec) => {
    const { plan } = spec as { plan: Plan }
    if (plan.sandbox === 'none' || plan.sandbox === 'cgroup' || plan.sandbox === undefined) {
      throw new HearthError('forbidden', 'Steps run in a sandbox; submit a command instead')
    }
    return plan
  },
}

export const createStepExecutor = (options: StepExecutorOptions): StepExecutor => {
  const { jobs, blobs, clock } = options
  const ends = new Ends(jobs, clock, stepKind)
  const environments = new Environments({ ...options, ends, submit })
  const limits = { ...stepLimits, ...options.limits }
  const keep = { ...keepLimits, ...options.keep }
  const encoder = new TextEncoder()

  /** Without a sandbox it is a command, and only those may submit it who may run commands so. */
  function submit(who: Who, plan: Plan, name: string, key: string, projectId: number | null) {
    const isHeld = plan.sandbox === 'bwrap' || plan.sandbox === 'docker'
    return jobs.submit(who, {
      ...(isHeld ? { kind: stepKind, spec: { plan } } : { plan }),
      name,
      idempotency_key: key,
      policy: { on_disconnect: 'retry', max_attempts: 1 },
      ...(projectId !== null && { project_id: projectId }),
    })
  }

  /** Files of the plugin, made known to jobs: only bytes that are new are read. */
  const inputOf = async (who: Who, file: KeptFile): Promise<KeptFile> => {
    if (await jobs.bytes.input(who, file.sha256)) return file
    const bytes = await blobs.get(file.sha256)
    if (!bytes) throw new HearthError('gone', `${file.path} is no longer stored`)
    return { path: file.path, ...(await jobs.bytes.addInput(who, bytes)) }
  }

  const submitStep = async (request: StepRequest): Promise<JobView> => {
    const { owner, code, inputs, experimentId, attempt, projectId } = request
    const environment = await environments.of(owner, request)
    const { python, requirements, warmImports } = environment
    const parts = {
      python,
      requirements,
      warmImports: request.warm ? warmImports : null,
      limits,
      program: await jobs.bytes.addInput(owner, encoder.encode(code)),
      keep: await jobs.bytes.addInput(owner, new Uint8Array()),
      inputs: await Promise.all(inputs.map((file) => inputOf(owner, file))),
    }
    const name = `${experimentId} ${attempt}`
    return submit(owner, stepPlan(request, parts), name, `${experimentId}/${attempt}`, projectId)
  }

  /** A step whose node was lost begins once more; a program that failed does not. */
  const endOf = async (owner: Who, jobId: string, signal: AbortSignal): Promise<JobView> => {
    const cancel = () => void jobs.cancel(owner, jobId).catch(() => undefined)
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    try {
      const job = await ends.of(owner, jobId)
      const { reason } = job.outcome ?? {}
      const isLost = reason === 'lease_expired' || reason === 'shim_lost'
      if (job.state !== 'failed' || !isLost || job.attempt > 1 || signal.aborted) return job
      await jobs.retry(owner, jobId)
      // What was aborted meanwhile could not be cancelled: it had ended.
      if (signal.aborted) cancel()
      return await ends.of(owner, jobId)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  const read = async (owner: Who, job: JobView): Promise<Run> => {
    const output = await readOutput(jobs.bytes, owner, job.id)
    const events = await jobs.bytes.read(owner, job.id, 'events')
    const exception = exceptionIn(new TextDecoder().decode(events))
    const { files, leftOut } = await keepArtifacts(jobs.bytes, blobs, owner, job.id, keep)
    const ending = endingOf(job, exception)
    const usage = job.outcome?.usage
    return {
      ...ending,
      jobId: job.id,
      execTimeS: (usage?.wallMs ?? 0) / 1000,
      exitCode: job.outcome?.exit_code ?? null,
      signal: job.outcome?.signal ?? null,
      output,
      exception: ending.failure === null ? null : exception,
      peakMemoryBytes: usage?.peakMemoryBytes ?? null,
      artifacts: files,
      ...(leftOut.length > 0 && { leftOut }),
    }
  }

  return {
    async run(request, started, signal) {
      const { owner } = request
      let job: JobView
      try {
        job = await submitStep(request)
      } catch (error) {
        if (!isRefusal(error)) throw error
        return { ...notRun, failure: 'refused', message: error.message }
      }
      await started(job.id)
      try {
        return await read(owner, await endOf(owner, job.id, signal))
      } catch (error) {
        if (!(error instanceof HearthError && error.code === 'not_found')) throw error
        const message = 'Its job was deleted before its results were kept'
        return { ...notRun, jobId: job.id, failure: 'lost', message }
      }
    },
    packages: (owner, wanted) => environments.packages(owner, wanted),
  }
}

/** What is wrong with the request itself, its files or its packages: the next one may be right. */
const isRefusal = (error: unknown): error is HearthError =>
  error instanceof NoEnvironment || (error instanceof HearthError && error.status < 500)
