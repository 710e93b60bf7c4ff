/** One attempt's control group: made, limited, read, killed and removed. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Controller, Hierarchy } from './cgroup-host.ts'

export interface CgroupLimits {
  readonly memoryBytes?: number
  readonly cpus?: number
  readonly pids?: number
}

/** What the shim makes: the same folder name in every hierarchy. */
export interface CgroupPlan {
  readonly name: string
  readonly hierarchies: readonly Hierarchy[]
  readonly limits: CgroupLimits
}

export interface Cgroup {
  /** Folders that a process joins to be in. */
  readonly folders: readonly string[]
  pids(): number[]
  /** Ends all at one stroke where the kernel can. */
  kill(): void
  oomKills(): number
  cpuMs(): number | undefined
  peakMemoryBytes(): number | undefined
  /** What was killed is in it a moment longer. False when something still runs in it after that. */
  remove(): Promise<boolean>
}

const text = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

const field = (path: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text(path) ?? '')?.[1] ?? 0)

const numberIn = (path: string): number | undefined => {
  const found = Number(text(path) ?? Number.NaN)
  return Number.isFinite(found) ? found : undefined
}

const removeTries = 40

/** Kernels check quotas once every period. */
const periodUs = 100_000

const quotaUs = (cpus: number): number => Math.max(1000, Math.round(cpus * periodUs))

type Settings = readonly (readonly [file: string, value: string, needed: boolean])[]

/** The files to write for each limit; those not needed are missing on some kernels. */
const settings = (version: 1 | 2, controller: Controller, limits: CgroupLimits): Settings => {
  const { memoryBytes, cpus, pids } = limits
  if (controller === 'memory' && memoryBytes !== undefined) {
    return version === 2
      ? [
          ['memory.max', String(memoryBytes), true],
          ['memory.swap.max', '0', false],
          ['memory.oom.group', '1', false],
        ]
      : [
          ['memory.limit_in_bytes', String(memoryBytes), true],
          ['memory.memsw.limit_in_bytes', String(memoryBytes), false],
        ]
  }
  if (controller === 'cpu' && cpus !== undefined) {
    return version === 2
      ? [['cpu.max', `${quotaUs(cpus)} ${periodUs}`, true]]
      : [
          ['cpu.cfs_period_us', String(periodUs), true],
          ['cpu.cfs_quota_us', String(quotaUs(cpus)), true],
        ]
  }
  if (controller === 'pids' && pids !== undefined) return [['pids.max', String(pids), true]]
  return []
}

/**
 * Opens the group of an attempt, made already or not.
 * @throws when a limit cannot be set: the attempt must not run without it
 */
export const makeCgroup = (plan: CgroupPlan): Cgroup => {
  for (const { version, base, controllers } of plan.hierarchies) {
    const folder = join(base, plan.name)
    mkdirSync(folder, { recursive: true })
    for (const controller of controllers) {
      for (const [file, value, needed] of settings(version, controller, plan.limits)) {
        try {
          writeFileSync(join(folder, file), value)
        } catch (error) {
          if (needed) throw error
        }
      }
    }
  }
  return openCgroup(plan)
}

/** The group as it is; nothing of it need exist. */
export const openCgroup = ({ name, hierarchies }: CgroupPlan): Cgroup => {
  const folderOf = (hierarchy: Hierarchy) => join(hierarchy.base, name)
  const folders = hierarchies.map(folderOf)
  const holding = (controller: Controller) =>
    hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller))
  const memory = holding('memory')
  const unified = hierarchies.find(({ version }) => version === 2)
  return {
    folders,
    pids: () => [
      ...new Set(
        folders.flatMap((folder) =>
          (text(join(folder, 'cgroup.procs')) ?? '').split('\n').filter(Boolean).map(Number),
        ),
      ),
    ],
    kill() {
      if (!unified) return
      try {
        writeFileSync(join(folderOf(unified), 'cgroup.kill'), '1')
      } catch {
        // An older kernel, or the group is gone: its processes are killed one by one.
      }
    },
    oomKills() {
      if (!memory) return 0
      const file = memory.version === 2 ? 'memory.events' : 'memory.oom_control'
      return field(join(folderOf(memory), file), 'oom_kill')
    },
    cpuMs() {
      if (!unified) return undefined
      return field(join(folderOf(unified), 'cpu.stat'), 'usage_usec') / 1000
    },
    peakMemoryBytes() {
      if (!memory) return undefined
      const file = memory.version === 2 ? 'memory.peak' : 'memory.max_usage_in_bytes'
      return numberIn(join(folderOf(memory), file))
    },
    async remove() {
      for (let tries = 0; tries < removeTries; tries++) {
        if (folders.map(removeFolder).every(Boolean)) return true
        await Bun.sleep(5)
      }
      return false
    },
  }
}

const removeFolder = (folder: string): boolean => {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
