/** The executors that every node has, in the order of preference. */
import { delimiter, isAbsolute, join } from 'node:path'
import { createDockerExecutor } from '../docker/docker.ts'
import { type PullPolicy, pullPolicies } from '../docker/images.ts'
import type { Executor } from '../executor.ts'
import { createLocalExecutor } from '../local.ts'
import { programPath } from '../python/program-path.ts'
import { environmentsFolder } from './preparation.ts'

export interface StandardExecutors {
  readonly executors: readonly Executor[]
  /** Where programs find the helper module of Python. */
  readonly pythonPath: readonly string[]
}

export const standardExecutors = async (stateDir: string): Promise<StandardExecutors> => {
  const helper = await programPath(stateDir)
  const shared = [environmentsFolder(stateDir), helper, ...sharedFolders()]
  const docker = createDockerExecutor({
    attemptsDir: join(stateDir, 'attempts'),
    dockerHost: process.env['DOCKER_HOST'],
    pull: pullPolicy(process.env['HEARTH_DOCKER_PULL']),
    shared,
  })
  return {
    executors: [createLocalExecutor({ shared, keepSpare: true, warmIn: stateDir }), docker],
    pythonPath: [helper],
  }
}

/** What the owner of the node lets programs in sandboxes read: data sets, a Python of one's own. */
const sharedFolders = (): string[] =>
  (process.env['HEARTH_SHARE'] ?? '').split(delimiter).filter((path) => isAbsolute(path))

const pullPolicy = (given: string | undefined): PullPolicy | undefined => {
  if (!given) return undefined
  const policy = pullPolicies.find((known) => known === given)
  if (!policy) throw new Error(`HEARTH_DOCKER_PULL=${given}: one of ${pullPolicies.join(', ')}`)
  return policy
}
