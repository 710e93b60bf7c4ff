/** Experiments in the database: one row each, read and written whole. */
import { type Queries, sql, type Who } from '../../src/sdk.ts'
import { experimentNotFound } from './errors.ts'
import type { Experiment, Status } from './experiment.ts'
import type { KeptFile } from './journal/node.ts'

export interface ExperimentRow {
  readonly id: string
  readonly owner_id: number
  readonly name: string
  readonly goal: string
  readonly evaluation: string | null
  readonly status: Status
  readonly settings: string
  readonly first_steps: number
  readonly steps: number
  readonly finished_steps: number
  readonly task: string | null
  readonly prepared: string | null
  readonly best_node: string | null
  readonly best_metric: number | null
  readonly maximize: number | null
  readonly project_id: number | null
  readonly run_id: number | null
  readonly version: number
  readonly error: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly started_at: number | null
  readonly ended_at: number | null
}

const parsed = <T>(text: string | null): T | null => (text === null ? null : JSON.parse(text))

export const experimentOf = (row: ExperimentRow): Experiment => ({
  id: row.id,
  ownerId: row.owner_id,
  name: row.name,
  goal: row.goal,
  evaluation: row.evaluation,
  status: row.status,
  settings: JSON.parse(row.settings),
  firstSteps: row.first_steps,
  steps: row.steps,
  finishedSteps: row.finished_steps,
  task: parsed(row.task),
  prepared: parsed(row.prepared),
  bestNode: row.best_node,
  bestMetric: row.best_metric,
  maximize: row.maximize === null ? null : row.maximize === 1,
  projectId: row.project_id,
  runId: row.run_id,
  version: row.version,
  error: parsed(row.error),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
})

/** @throws HearthError `not_found` */
export const readExperiment = async (q: Queries, id: string): Promise<Experiment> => {
  const [row] = await q.rows<ExperimentRow>(sql`
    select * from experiments_experiment where id = ${id}`)
  if (!row) throw experimentNotFound()
  return experimentOf(row)
}

/** Others' experiments are not there for whoever asks, administrators excepted. */
export const visibleExperiment = async (q: Queries, who: Who, id: string): Promise<Experiment> => {
  // Not every database takes every text: what can be no id is never asked for.
  if (!/^exp_\w+$/.test(id)) throw experimentNotFound()
  const experiment = await readExperiment(q, id)
  if (experiment.ownerId === who.id || who.isSuperuser) return experiment
  throw experimentNotFound()
}

export const inputsOf = async (q: Queries, id: string): Promise<KeptFile[]> => {
  const rows = await q.rows<{ path: string; sha256: string; size: number }>(sql`
    select path, sha256, size from experiments_input where experiment_id = ${id} order by path`)
  return rows.map(({ path, sha256, size }) => ({ path, sha256, sizeBytes: size }))
}
