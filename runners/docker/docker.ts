/**
 * The executor that runs an attempt as a container, watched by a process of its own. The engine
 * keeps the container, and its name says whose it is: agent and watcher may die at any moment.
 */
import { existsSync } from 'node:fs'
import type { Outcome, Plan } from '../../src/jobs/protocol.ts'
import { giveFolders } from '../attempt-owner.ts'
import type { AttemptFolder, Executor, Handle, Probe } from '../executor.ts'
import { monotonicMs } from '../monotonic.ts'
import { readOutcome, requestStop } from '../shim/attempt-state.ts'
import { PrepareError } from '../workspace/prepare-error.ts'
import { containerName, containerSpec, type Owner } from './container-spec.ts'
import { type Containers, containersOf } from './containers.ts'
import { createEngine, socketOf } from './engine.ts'
import { ensureImage, type Image, ImageError, type PullPolicy } from './images.ts'
import { removeOrphans, whyUnusable } from './probe.ts'
import { readWatched, removeWatched, type Watched, writeWatched } from './watch-file.ts'
import { endWatchers, spawnWatcher, wakeWatchers, watchedOutcome } from './watcher.ts'

export interface DockerOptions {
  /** The folder that the node's attempts lie in: containers of those that are gone are removed. */
  readonly attemptsDir: string
  /** As in the variable DOCKER_HOST; absent: the usual socket. */
  readonly dockerHost?: string | undefined
  /** Default: `missing`. */
  readonly pull?: PullPolicy | undefined
  /** Folders that programs may read: Python environments, helper modules. */
  readonly shared?: readonly string[]
}

export interface DockerHandle extends Handle {
  /** Decided without running anything. */
  readonly refusal: Outcome | null
}

const defaultGraceMs = 30_000

export const createDockerExecutor = (options: DockerOptions): Executor<DockerHandle> => {
  const place = socketOf(options.dockerHost)
  const engine = createEngine(place.socket)
  const containers = containersOf(engine)
  const { pull = 'missing', shared = [], attemptsDir } = options
  /** By image: whether its programs can write their log themselves. */
  const shells = new Map<string, boolean>()

  return {
    name: 'docker',
    async probe(): Promise<Probe> {
      const reason = place.refused ?? (await whyUnusable(engine))
      if (reason !== null) return { sandboxes: [], reasons: { docker: reason } }
      await removeOrphans(containers, attemptsDir)
      return { sandboxes: ['docker'], reasons: {} }
    },
    async prepare({ plan }, report, signal) {
      if (whyNot(plan) !== null) return
      try {
        await ensureImage(engine, plan.image ?? '', pull, report, signal)
      } catch (error) {
        throw error instanceof ImageError ? new PrepareError(error.message) : error
      }
    },
    async start(folder, env) {
      const reason = whyNot(folder.plan)
      if (reason !== null) return refused(folder, reason)
      const owner = ownerOf()
      giveFolders(folder.path, process.getuid?.() === 0 ? owner.uid : null)
      // Whether the registry has a newer one was asked when the attempt was prepared.
      const policy = pull === 'never' ? 'never' : 'missing'
      const image = await ensureImage(engine, folder.plan.image ?? '', policy)
      const container = containerName(folder)
      const readable = shared.filter((path) => existsSync(path))
      const make = async (log: Watched['log']) => {
        const spec = containerSpec({ folder, env, image, owner, shared: readable, log })
        await containers.create(container, spec)
      }
      const log = await makeEither(containers, container, image, shells, make)
      const { graceMs = defaultGraceMs, limits = {} } = folder.plan
      const { socket } = engine
      const startedMs = monotonicMs()
      writeWatched(folder.path, { socket, container, log, graceMs, limits, startedMs })
      spawnWatcher(folder.path)
      await containers.start(container)
      return { folder, refusal: null }
    },
    async recover(folder) {
      const handle: DockerHandle = { folder, refusal: null }
      if (readOutcome(folder.path)) return handle
      const container = containerName(folder)
      const info = await containers.inspect(container)
      // One that is gone may have run: its watcher will say so.
      if (info ? info.State.Status !== 'created' : readWatched(folder.path)) return handle
      endWatchers(folder.path)
      removeWatched(folder.path)
      await containers.remove(container)
      return null
    },
    async stop({ folder }, why) {
      requestStop(folder.path, why)
      wakeWatchers(folder.path)
    },
    wait: async ({ folder, refusal }) => refusal ?? (await watchedOutcome(folder.path)),
    async destroy({ folder }) {
      endWatchers(folder.path)
      await containers.remove(containerName(folder))
    },
  }
}

/** Programs run as the agent's user; those of an agent that is root, as nobody. */
const ownerOf = (): Owner => {
  const uid = process.getuid?.() ?? 0
  return uid === 0 ? { uid: 65534, gid: 65534 } : { uid, gid: process.getgid?.() ?? uid }
}

const whyNot = ({ image, sandbox = 'docker' }: Plan): string | null => {
  if (image === undefined) return 'The sandbox docker needs a container image'
  return sandbox === 'docker' ? null : `A container image does not run in the sandbox ${sandbox}`
}

const refused = (folder: AttemptFolder, message: string): DockerHandle => ({
  folder,
  refusal: { reason: 'refused', exitCode: null, signal: null, message },
})

/** Most images have a shell, so that is tried first, and looked for before anything runs. */
const makeEither = async (
  containers: Containers,
  container: string,
  image: Image,
  shells: Map<string, boolean>,
  make: (log: Watched['log']) => Promise<void>,
): Promise<Watched['log']> => {
  if (shells.get(image.id) !== false) {
    await make('program')
    const hasShell = shells.get(image.id) ?? (await containers.hasFile(container, '/bin/sh'))
    shells.set(image.id, hasShell)
    if (hasShell) return 'program'
    await containers.remove(container)
  }
  await make('engine')
  return 'engine'
}
