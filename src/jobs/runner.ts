/** A plugin's own kind of job: how its specification becomes a plan that any node can run. */
import type { TSchema } from '@sinclair/typebox'
import type { Plan } from './plan.ts'

export interface RunnerContext {
  readonly jobId: string
  readonly ownerId: number
}

export interface Runner {
  /** Checked when a job of the kind is submitted. */
  readonly spec: TSchema
  /**
   * Turns a specification into a plan: pure where possible, for it may be called again.
   * @throws HearthError the refusal of the submission
   */
  plan(spec: unknown, ctx: RunnerContext): Plan | Promise<Plan>
}
