/** Which shims and programs of a world are alive, read from /proc and from nothing of ours. */
import { Glob } from 'bun'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface WorldProcess {
  readonly pid: number
  readonly kind: 'shim' | 'program'
  /** The folder of its attempt. */
  readonly attempt: string
}

/**
 * Shims by the claim in the folder of their attempt; programs by the attempt in the environment
 * that they were started with.
 */
export const processesOf = (folder: string): WorldProcess[] => [
  ...shimsOf(folder),
  ...readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const attempt = valueOf(environmentOf(name), 'HEARTH_EVENTS')?.replace(/\/events$/, '')
      if (!attempt?.startsWith(`${folder}/`) || isDead(name)) return []
      return [{ pid: Number(name), kind: 'program' as const, attempt }]
    }),
]

const shimsOf = (folder: string): WorldProcess[] =>
  [...new Glob('**/attempts/*/claimed').scanSync(folder)].flatMap((claimed) => {
    const pid = pidIn(join(folder, claimed))
    if (pid === undefined || !argumentsOf(pid).includes('shim') || isDead(`${pid}`)) return []
    return [{ pid, kind: 'shim', attempt: dirname(join(folder, claimed)) }]
  })

const pidIn = (path: string): number | undefined => {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { pid: number }).pid
  } catch {
    return undefined
  }
}

const argumentsOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Shims that wait for their attempt, or are at it: children of the agent that started them. */
export const shimsStartedBy = (parents: readonly number[]): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => argumentsOf(pid).includes('shim') && parents.includes(parentOf(pid)))

const parentOf = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

export const isAlive = (pid: number): boolean => !isDead(`${pid}`)

const environmentOf = (pid: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

const valueOf = (entries: readonly string[], name: string): string | undefined =>
  entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)

const isDead = (pid: string): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return true
  }
}

/** False when it had ended by itself. */
export const kill = (pid: number): boolean => {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
