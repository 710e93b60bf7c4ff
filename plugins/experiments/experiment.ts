/** An experiment as the database has it: what was asked for, and how far it is. */
import type { ExperimentSettings } from './settings.ts'
import type { Prepared } from './scoring/referee.ts'
import type { Task } from './scoring/task.ts'

export const statuses = ['pending', 'running', 'completed', 'failed', 'stopped'] as const
export type Status = (typeof statuses)[number]

export interface Experiment {
  /** `exp_` and 12 hexadecimal digits. */
  readonly id: string
  readonly ownerId: number
  readonly name: string
  readonly goal: string
  readonly evaluation: string | null
  readonly status: Status
  readonly settings: ExperimentSettings
  /** As it was made; `steps` counts extensions too. */
  readonly firstSteps: number
  readonly steps: number
  readonly finishedSteps: number
  /** null: nothing that the server could score. */
  readonly task: Task | null
  readonly prepared: Prepared | null
  readonly bestNode: string | null
  readonly bestMetric: number | null
  readonly maximize: boolean | null
  readonly projectId: number | null
  readonly runId: number | null
  /** Seq of the last event. */
  readonly version: number
  readonly error: { readonly code: string; readonly message: string } | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
}
