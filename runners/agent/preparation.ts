/** Prepares attempts with what the node keeps for all of them: inputs and Python environments. */
import { join } from 'node:path'
import { launcherFolder } from '../own-program.ts'
import { cleanEnvironments } from '../python-env/clean.ts'
import { ensureEnvironment } from '../python-env/environment.ts'
import { openInputCache } from '../workspace/input-cache.ts'
import { prepareWorkspace } from '../workspace/prepare.ts'
import type { Preparation } from './node-context.ts'
import type { Wire } from './wire.ts'

export interface PreparationOptions {
  readonly wire: Wire
  readonly stateDir: string
  /** Where programs find the helper module of Python. */
  readonly pythonPath: readonly string[]
}

/** Where a node keeps its Python environments: sandboxed programs must be able to read it. */
export const environmentsFolder = (stateDir: string): string => join(stateDir, 'environments')

const environmentsMaxAgeMs = 30 * 24 * 3_600_000
const environmentsMaxBytes = 50 * 2 ** 30

export const openPreparation = async (options: PreparationOptions): Promise<Preparation> => {
  const { wire, stateDir, pythonPath } = options
  const cache = await openInputCache(join(stateDir, 'inputs'))
  const cacheDir = environmentsFolder(stateDir)
  const launcher = await launcherFolder(stateDir)
  return {
    place: ({ path: folder, plan, checkpoint }, report, signal) =>
      prepareWorkspace({
        folder,
        plan,
        checkpoint,
        cache,
        fetchBlob: wire.getBlob,
        report,
        signal,
      }),
    async environment({ path, plan }, report, signal) {
      if (!plan.python) return { binDirs: [launcher], pythonPath }
      const wanted = { cacheDir, usedBy: path, report, signal }
      const { binDir } = await ensureEnvironment(plan.python, wanted)
      return { binDirs: [binDir, launcher], pythonPath }
    },
    async clean() {
      const limits = { maxAgeMs: environmentsMaxAgeMs, maxBytes: environmentsMaxBytes }
      await cleanEnvironments(cacheDir, limits)
    },
  }
}
