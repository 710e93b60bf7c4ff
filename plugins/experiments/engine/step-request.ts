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
): StepRequest => {
  const { exec } = experiment.settings
  return {
    experimentId: experiment.id,
    node: node.id,
    attempt,
    owner,
    projectId: experiment.projectId,
    code: node.code,
    inputs: groundwork.visible,
    env,
    timeoutMs: Math.ceil(exec.timeoutS * 1000),
    memoryBytes: exec.memoryBytes ?? null,
    cpus: exec.cpus,
    gpus: exec.gpus,
    sandbox: exec.sandbox,
    requirements: exec.requirements,
    warm: exec.warm,
  }
}
