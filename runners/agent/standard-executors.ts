/** The executors that every node has, in the order of preference. */
import { programPath } from '../python/program-path.ts'
import type { Executor } from '../executor.ts'
import { createLocalExecutor } from '../local.ts'
import { environmentsFolder } from './preparation.ts'

export interface StandardExecutors {
  readonly executors: readonly Executor[]
  /** Where programs find the helper module of Python. */
  readonly pythonPath: readonly string[]
}

export const standardExecutors = async (stateDir: string): Promise<StandardExecutors> => {
  const helper = await programPath(stateDir)
  const shared = [environmentsFolder(stateDir), helper]
  return { executors: [createLocalExecutor({ shared })], pythonPath: [helper] }
}
