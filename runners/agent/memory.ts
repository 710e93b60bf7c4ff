/** How much memory and how many processors this machine, or the container around us, really has. */
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'

export type ReadText = (path: string) => string | null

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** The smallest limit on the way from our own cgroup to the root, of version 2 or 1. */
export const memoryBytes = (read: ReadText = readText, installedBytes = totalmem()): number =>
  Math.min(
    installedBytes,
    ...limitsOf(read, '', 'memory.max', wholeNumber),
    ...limitsOf(read, 'memory', 'memory.limit_in_bytes', wholeNumber),
  )

/** Whole processors or parts of one, as a container's quota grants them. */
export const cpuCount = (read: ReadText = readText, installed = availableParallelism()): number =>
  Math.min(
    installed,
    ...limitsOf(read, '', 'cpu.max', quota),
    ...limitsOf(read, 'cpu', 'cpu.cfs_quota_us', (text, folder) =>
      quota(`${text.trim()} ${read(join(folder, 'cpu.cfs_period_us')) ?? ''}`),
    ),
  )

const wholeNumber = (text: string): number | null => {
  const value = Number.parseInt(text, 10)
  return Number.isSafeInteger(value) && value > 0 ? value : null
}

const quota = (text: string): number | null => {
  const [granted, period] = text.trim().split(/\s+/).map(Number)
  if (!granted || !period || granted < 0) return null
  return Math.round((granted / period) * 100) / 100
}

/** @param controller of version 1; empty for version 2 */
const limitsOf = (
  read: ReadText,
  controller: string,
  file: string,
  parse: (text: string, folder: string) => number | null,
): number[] => {
  const line = (read('/proc/self/cgroup') ?? '')
    .split('\n')
    .map((text) => /^\d+:([^:]*):(.*)$/.exec(text))
    .find((match) => match?.[1]?.split(',').includes(controller))
  const own = line?.[2] ?? '/'
  const root = join('/sys/fs/cgroup', controller)
  const limits: number[] = []
  for (let folder = join(root, own); folder.startsWith(root); folder = join(folder, '..')) {
    const limit = parse(read(join(folder, file)) ?? '', folder)
    if (limit !== null) limits.push(limit)
    if (folder.replace(/\/$/, '') === root.replace(/\/$/, '')) break
  }
  return limits
}
