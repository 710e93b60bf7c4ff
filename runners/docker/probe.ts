/** Finds out whether the engine can hold programs to their limits, and tidies up after us. */
import { existsSync } from 'node:fs'
import { labels } from './container-spec.ts'
import type { Containers } from './containers.ts'
import type { Engine } from './engine.ts'

interface EngineInfo {
  readonly OSType?: string
  readonly MemoryLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly PidsLimit?: boolean
  readonly SecurityOptions?: readonly string[] | null
}

/** What an engine does not enforce it only warns of: such a one is not used at all. */
const needed = [
  ['MemoryLimit', 'memory'],
  ['CpuCfsQuota', 'processors'],
  ['PidsLimit', 'numbers of processes'],
] as const

/** Null when it can be used. */
export const whyUnusable = async (engine: Engine): Promise<string | null> => {
  let info: EngineInfo
  try {
    info = (await (await engine.call('GET', '/info')).json()) as EngineInfo
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  if (info.OSType !== 'linux') return `The container engine runs ${info.OSType}, not Linux`
  const remapped = info.SecurityOptions?.find((option) => /^name=(rootless|userns)/.test(option))
  if (remapped) return 'The container engine maps users: programs could not write to their folders'
  const lacks = needed.filter(([key]) => info[key] !== true).map(([, what]) => what)
  return lacks.length > 0 ? `The container engine cannot limit ${lacks.join(', ')}` : null
}

/** A container is made after its attempt's folder and removed before it: without one, nobody's. */
export const removeOrphans = async (containers: Containers, attemptsDir: string): Promise<void> => {
  for (const { id, labels: found } of await containers.listByLabel(
    `${labels.node}=${attemptsDir}`,
  )) {
    const folder = found[labels.folder]
    if (folder && !existsSync(folder)) await containers.remove(id)
  }
}
