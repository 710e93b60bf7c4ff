/** A server of its own with a node: programs of steps really run, each as a job. */
import type { Run } from '../../../../plugins/experiments/journal/node.ts'
import type {
  StepExecutor,
  StepRequest,
} from '../../../../plugins/experiments/execution/executor.ts'
import {
  createStepExecutor,
  stepKind,
  stepRunner,
} from '../../../../plugins/experiments/execution/step-executor.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { builtInSources } from '../../../../src/cli/built-in.ts'
import { startOwnAgent } from '../../../../src/cli/own-agent.ts'
import { readSettings } from '../../../../src/kernel/config.ts'
import type { Kernel } from '../../../../src/kernel/kernel.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import { startServer } from '../../../../src/kernel/server.ts'
import { type Blobs, definePlugin, jobs, type Runner, type Who } from '../../../../src/sdk.ts'

/** Programs in a sandbox see `/usr`; the tests' own environment lies elsewhere. */
const python = '/usr/bin/python3'

const owner: Who = { id: 0, username: 'local', isSuperuser: true, via: 'local' }

export interface Rig extends AsyncDisposable {
  readonly executor: StepExecutor
  /** Of the plugin. */
  readonly blobs: Blobs
  run(code: string, more?: Partial<StepRequest>, signal?: AbortSignal): Promise<Run>
}

export const openRig = async (): Promise<Rig> => {
  const folder = await temporaryFolder()
  const settings = readSettings({ DATA_DIR: folder.path, PORT: '0', LOG_LEVEL: 'error' })
  let kernel: Kernel | undefined
  const made = Promise.withResolvers<Pick<Rig, 'executor' | 'blobs'>>()
  const runners = (): ReadonlyMap<string, Runner> =>
    new Map([...(kernel?.assembly().runners ?? [])].map(([kind, { runner }]) => [kind, runner]))
  const plugin = definePlugin({
    id: 'experiments',
    version: '0.0.0',
    sdk: '*',
    uses: { jobs },
    setup({ blobs, clock, log, uses }) {
      const options = { jobs: uses.jobs, blobs, clock, log, python, requirements: [] }
      made.resolve({ executor: createStepExecutor(options), blobs })
      return { runners: { [stepKind]: stepRunner } }
    },
  })
  const secretKey = async () => new Uint8Array(32).fill(7)
  const host = { dataDir: folder.path, secretKey, runners, shared: false }
  // Its own plugin stands in for the whole one, which only hands in such jobs.
  const others = builtInSources({}, host).filter(({ plugin: { id } }) => id !== plugin.id)
  const sources = [...others, { plugin, config: undefined, optional: false }]
  const server = await startServer(settings, sources, silentLogger)
  kernel = server.kernel
  const agent = await startOwnAgent({
    kernel,
    dataDir: folder.path,
    slots: 4,
    log: silentLogger,
  })
  const { executor, blobs } = await made.promise
  let count = 0
  return {
    executor,
    blobs,
    run(code, more = {}, signal = new AbortController().signal) {
      count += 1
      const request: StepRequest = {
        experimentId: 'experiment',
        node: `node_${count}`,
        attempt: `node_${count}`,
        owner,
        projectId: null,
        code,
        inputs: [],
        env: {},
        timeoutMs: 60_000,
        memoryBytes: null,
        cpus: 1,
        gpus: 0,
        sandbox: 'bwrap',
        requirements: [],
        warm: true,
        ...more,
      }
      return executor.run(request, async () => undefined, signal)
    },
    async [Symbol.asyncDispose]() {
      await agent?.stop()
      await server.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}
