/** A server of its own with a node: programs of steps really run, each as a job. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Run } from '../../../../plugins/experiments/journal/node.ts'
import type {
  StepExecutor,
  StepRequest,
} from '../../../../plugins/experiments/execution/executor.ts'
import {
  createStepExecutor,
  type StepExecutorOptions,
  stepKind,
  stepRunner,
} from '../../../../plugins/experiments/execution/step-executor.ts'
import { attemptFiles } from '../../../../runners/attempt-files.ts'
import { identify, type ProcessIdentity } from '../../../../runners/process/proc.ts'
import { openCgroup } from '../../../../runners/sandbox/cgroup.ts'
import { readChild } from '../../../../runners/shim/attempt-state.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { builtInSources } from '../../../../src/cli/built-in.ts'
import { startOwnAgent } from '../../../../src/cli/own-agent.ts'
import { readSettings } from '../../../../src/kernel/config.ts'
import type { Kernel } from '../../../../src/kernel/kernel.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import { startServer } from '../../../../src/kernel/server.ts'
import {
  type Blobs,
  definePlugin,
  type Jobs,
  jobs,
  type Runner,
  type Who,
} from '../../../../src/sdk.ts'

/** Programs in a sandbox see `/usr`; the tests' own environment lies elsewhere. */
const systemPython = '/usr/bin/python3'

export const owner: Who = { id: 0, username: 'local', isSuperuser: true, via: 'local' }

type Chosen = Pick<StepExecutorOptions, 'limits' | 'keep'> & {
  readonly python?: string | null
  readonly requirements?: readonly string[]
  /** Where the data lie; absent: a folder that goes with the rig. */
  readonly dataDir?: string
}

/** A program that was begun. */
export interface Begun {
  readonly jobId: string
  readonly end: Promise<Run>
  abort(): void
}

export interface Rig extends AsyncDisposable {
  readonly executor: StepExecutor
  readonly jobs: Jobs
  readonly blobs: Blobs
  run(code: string, more?: Partial<StepRequest>): Promise<Run>
  /** Resolves as soon as it has a job. */
  begin(code: string, more?: Partial<StepRequest>): Promise<Begun>
  /** The folder on the node of one attempt of a job. */
  files(jobId: string, attempt?: number): ReturnType<typeof attemptFiles>
}

export const openRig = async (chosen: Chosen = {}): Promise<Rig> => {
  await using undo = new AsyncDisposableStack()
  const dataDir = chosen.dataDir ?? undo.use(await temporaryFolder()).path
  const settings = readSettings({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error' })
  let kernel: Kernel | undefined
  const made = Promise.withResolvers<Pick<Rig, 'executor' | 'jobs' | 'blobs'>>()
  const runners = (): ReadonlyMap<string, Runner> =>
    new Map([...(kernel?.assembly().runners ?? [])].map(([kind, { runner }]) => [kind, runner]))
  const plugin = definePlugin({
    id: 'experiments',
    version: '0.0.0',
    sdk: '*',
    uses: { jobs },
    setup({ blobs, clock, log, uses }) {
      const { python = systemPython, requirements = [], limits = {}, keep = {} } = chosen
      const options = { ...{ blobs, clock, log, limits, keep }, python, requirements }
      const executor = createStepExecutor({ ...options, jobs: uses.jobs })
      made.resolve({ executor, jobs: uses.jobs, blobs })
      return { runners: { [stepKind]: stepRunner } }
    },
  })
  const host = { dataDir, runners, shared: false }
  // Its own plugin stands in for the whole one, which only hands in such jobs.
  const others = builtInSources({}, host).filter(({ plugin: { id } }) => id !== plugin.id)
  const sources = [...others, { plugin, config: undefined, optional: false }]
  const server = undo.adopt(await startServer(settings, sources, silentLogger), (it) => it.stop())
  kernel = server.kernel
  const own = { kernel, dataDir, slots: 4, log: silentLogger }
  undo.adopt(await startOwnAgent(own), (agent) => agent?.stop())
  const parts = await made.promise
  const run = (
    request: StepRequest,
    started: (jobId: string) => void,
    signal = new AbortController().signal,
  ) => parts.executor.run(request, async (jobId) => started(jobId), signal)
  const stack = undo.move()
  return {
    ...parts,
    run: (code, more) => run(requestOf(code, more), () => undefined),
    async begin(code, more) {
      const started = Promise.withResolvers<string>()
      const stop = new AbortController()
      const end = run(requestOf(code, more), started.resolve, stop.signal)
      end.catch(started.reject)
      return { jobId: await started.promise, end, abort: () => stop.abort() }
    },
    files: (jobId, attempt = 1) =>
      attemptFiles(join(dataDir, 'node', 'attempts', `${jobId}-${attempt}`)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

let count = 0

/** Of a node of its own. */
export const requestOf = (code: string, more: Partial<StepRequest> = {}): StepRequest => {
  count += 1
  return {
    ...{ experimentId: 'experiment', node: `node_${count}`, attempt: `node_${count}` },
    ...{ owner, projectId: null, code, inputs: [], env: {}, timeoutMs: 60_000 },
    ...{ memoryBytes: null, cpus: 0.1, gpus: 0, sandbox: 'bwrap', requirements: [], warm: true },
    ...more,
  }
}

/** Every process of an attempt, as it is now. */
export const processesOf = ({ spec }: ReturnType<typeof attemptFiles>): ProcessIdentity[] => {
  const group = readChild(dirname(spec))?.cgroup
  const pids = group ? openCgroup(group).pids() : []
  return pids.flatMap((pid) => identify(pid) ?? [])
}

/** Waits until a program has printed something. */
export const printed = async (
  { log }: ReturnType<typeof attemptFiles>,
  text: string,
): Promise<void> => {
  const giveUpAt = performance.now() + 15_000
  while (!(existsSync(log) && readFileSync(log, 'utf8').includes(text))) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${text}`)
    await Bun.sleep(0)
  }
}
