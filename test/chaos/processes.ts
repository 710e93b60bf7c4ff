/** Which shims and programs of a world are alive, read from /proc and from nothing of ours. */
import { readdirSync, readFileSync } from 'node:fs'

export interface WorldProcess {
  readonly pid: number
  readonly kind: 'shim' | 'program'
  /** The folder of its attempt. */
  readonly attempt: string
}

/** Everything started with an attempt below `folder` in its environment. */
export const processesOf = (folder: string): WorldProcess[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const entries = environmentOf(name)
      const shim = valueOf(entries, 'HEARTH_SHIM')
      const events = valueOf(entries, 'HEARTH_EVENTS')
      const attempt = shim ?? events?.replace(/\/events$/, '')
      if (!attempt?.startsWith(`${folder}/`) || isDead(name)) return []
      return [{ pid: Number(name), kind: shim === undefined ? 'program' : 'shim', attempt }]
    })

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
