/** What is asked of the executor for one node. */
import type { Who } from '../../../src/sdk.ts'
import type { StepRequest } from '../execution/executor.ts'
import type { Experiment } from '../experiment.ts'
import type { Node } from '../journal/node.ts'
import type { Groundwork } from './groundwork.ts'

export const stepRequest = (
  experiment: Experiment,
  owner: Who,
  groundwork: Groundwork,
  node: Node,
  attempt: string,
  env: Readonly<Record<string, string>>,
  /** What is left of a budget of time; null: no such budget. */
  left: { readonly timeoutS: number | null },
): StepRequest => {
  const { exec } = experiment.settings
  // A second is the least that tells a program from one that was never begun.
  const timeoutS = Math.min(exec.timeoutS, Math.max(1, left.timeoutS ?? exec.timeoutS))
  return {
    experimentId: experiment.id,
    node: node.id,
    attempt,
    owner,
    projectId: experiment.projectId,
    code: node.code,
    inputs: groundwork.visible,
    env,
    timeoutMs: Math.ceil(timeoutS * 1000),
    memoryBytes: exec.memoryBytes ?? null,
    cpus: exec.cpus,
    gpus: exec.gpus,
    sandbox: exec.sandbox,
    requirements: exec.requirements,
    warm: exec.warm,
  }
}
