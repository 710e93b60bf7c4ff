/** The executor that runs an attempt as processes of this machine, each under a shim of its own. */
import { existsSync, readFileSync } from 'node:fs'
import type { Outcome, SandboxLevel } from '../src/jobs/protocol.ts'
import { giveFolders } from './attempt-owner.ts'
import type { AttemptFolder, Executor, Handle, Probe } from './executor.ts'
import { isRunning, listProcesses, type ProcessIdentity, startedWith } from './process/proc.ts'
import { sendSignal } from './process/signal.ts'
import type { Host } from './sandbox/host.ts'
import { probeHost } from './sandbox/probe.ts'
import { arrange } from './sandbox/sandbox.ts'
import { readClaim, readOutcome, requestStop, writeOutcome } from './shim/attempt-state.ts'
import { endOrphans } from './shim/orphans.ts'
import { wakeSignal } from './shim/shim.ts'
import { readSpare, shimErrors, Shims } from './shim/shims.ts'
import { WarmPythons } from './warm/warm-pythons.ts'

export interface LocalOptions {
  /** Folders that sandboxed programs may read: Python environments, helper modules. */
  readonly shared?: readonly string[]
  /** Whether to have the next shim ready: it costs some memory while nothing runs. */
  readonly keepSpare?: boolean
  /** The node's own folder; absent: every Python starts cold. */
  readonly warmIn?: string
}

export interface LocalHandle extends Handle {
  /** Resolves once a shim that this process started has ended; null for one taken over. */
  readonly shimExited: Promise<unknown> | null
  /** Decided without running anything. */
  readonly refusal: Outcome | null
}

/** How often a shim that is not our child is looked at. */
const lookEveryMs = 100

export const createLocalExecutor = (options: LocalOptions = {}): Executor<LocalHandle> => {
  const { shared = [], keepSpare = false, warmIn } = options
  let host: Promise<Host> | undefined
  const known = () => (host ??= probeHost())
  const shims = new Shims(keepSpare)
  const warm = warmIn === undefined ? null : new WarmPythons(warmIn, shared)

  return {
    name: 'local',
    async probe() {
      host = undefined
      return report(await known())
    },
    async start(folder, env) {
      const on = await known()
      const arranged = arrange(folder, env, on, shared)
      if ('refused' in arranged) return refused(folder, arranged.refused)
      giveFolders(folder.path, arranged.owner)
      const { launch, env: whole } = arranged
      const { exited } = await shims.start(
        folder.path,
        (await warm?.warmed(folder, whole, launch, on)) ?? launch,
      )
      return { folder, shimExited: exited, refusal: null }
    },
    async recover(folder) {
      if (readClaim(folder.path) === null) endUnclaimed(folder.path)
      const begun = readOutcome(folder.path) ?? readClaim(folder.path)
      return begun && { folder, shimExited: null, refusal: null }
    },
    async stop({ folder }, why) {
      requestStop(folder.path, why)
      const shim = readClaim(folder.path)
      if (shim && isRunning(shim)) sendSignal(shim.pid, wakeSignal)
    },
    async wait({ folder, shimExited, refusal }) {
      if (refusal) return refusal
      await shimExited
      const shim = readClaim(folder.path)
      if (shim) await ended(folder.path, shim)
      return readOutcome(folder.path) ?? (await lost(folder.path, shim !== null))
    },
    async destroy({ folder }) {
      // Where there is an outcome, nothing of the program runs any more.
      if (readOutcome(folder.path)) return
      const shim = readClaim(folder.path)
      if (!shim) return endUnclaimed(folder.path)
      if (isRunning(shim)) sendSignal(shim.pid, 'SIGKILL')
      await endOrphans(folder.path)
    },
  }
}

const report = ({ missing }: Host): Probe => {
  const levels = ['none', 'cgroup', 'bwrap'] as const satisfies readonly SandboxLevel[]
  return { sandboxes: levels.filter((level) => !missing[level]), reasons: missing }
}

const refused = (folder: AttemptFolder, message: string): LocalHandle => ({
  folder,
  shimExited: null,
  refusal: { reason: 'refused', exitCode: null, signal: null, message },
})

/** A shim that an earlier agent began must not take the attempt up once we say there is none. */
const endUnclaimed = (folder: string): void => {
  const spare = readSpare(folder)
  if (spare && isRunning(spare)) sendSignal(spare.pid, 'SIGKILL')
  if (!existsSync(shimErrors(folder))) return
  for (const { pid } of listProcesses()) {
    if (startedWith(pid, `HEARTH_SHIM=${folder}`)) sendSignal(pid, 'SIGKILL')
  }
}

/** Resolves when the shim has ended or has written the outcome. */
const ended = async (folder: string, shim: ProcessIdentity): Promise<void> => {
  while (isRunning(shim) && readOutcome(folder) === null) await Bun.sleep(lookEveryMs)
}

/** There is no shim and no outcome: makes sure that nothing of it runs, and says what happened. */
const lost = async (folder: string, claimed: boolean): Promise<Outcome> => {
  await endOrphans(folder)
  const ended = { exitCode: null, signal: null }
  if (claimed) {
    const message = 'The process that watched the job was killed; the job was ended with it'
    const outcome: Outcome = { reason: 'shim_lost', ...ended, message }
    await writeOutcome(folder, outcome)
    return outcome
  }
  const said = readTail(shimErrors(folder))
  if (said !== '') {
    return { reason: 'start_failed', ...ended, message: `The shim did not start: ${said}` }
  }
  // Killed before it could begin anything: nothing is wrong with the job, nor with the node.
  const message = 'The process that was to watch the job was killed before the job began'
  return { reason: 'shim_lost', ...ended, message }
}

const readTail = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim().slice(-1000)
  } catch {
    return ''
  }
}
