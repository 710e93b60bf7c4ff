/** Reads /proc: which processes there are, who began them, and whether one still is the same. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessStat {
  readonly pid: number
  /** `Z` and `X` are dead; everything else still holds memory and files. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Clock ticks from the host's boot to its start: with the pid, its identity. */
  readonly startTicks: number
}

/** Tells a process from a later one with the same pid, also after a reboot. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: number
  readonly boot: string
}

const readText = (path: string): string | null => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}

export const readStat = (pid: number | 'self'): ProcessStat | null => {
  const text = readText(`/proc/${pid}/stat`)
  if (text === null) return null
  // The program's name stands in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? 'X',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  }
}

/** Everything that runs, without what is dead and only waits to be asked how it died. */
export const listProcesses = (): ProcessStat[] =>
  readdirSync('/proc')
    .filter((name) => name.charCodeAt(0) <= 57 && name.charCodeAt(0) >= 48)
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null)
    .filter(isLive)

const isLive = ({ state }: ProcessStat): boolean => state !== 'Z' && state !== 'X'

const bootId = (): string => readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''

export const identify = (pid: number | 'self'): ProcessIdentity | null => {
  const stat = readStat(pid)
  return stat && { pid: stat.pid, startTicks: stat.startTicks, boot: bootId() }
}

export const isRunning = ({ pid, startTicks, boot }: ProcessIdentity): boolean => {
  const stat = readStat(pid)
  return stat !== null && isLive(stat) && stat.startTicks === startTicks && boot === bootId()
}

/** Whether the environment that `pid` was started with holds exactly this `NAME=value`. */
export const startedWith = (pid: number, entry: string): boolean => {
  const environment = readText(`/proc/${pid}/environ`)
  if (environment === null) return false
  const wanted = Buffer.from(entry).toString('latin1')
  return environment.split('\0').includes(wanted)
}

/** Those of `all` that descend from `root`, itself not among them. */
export const descendants = (root: number, all: readonly ProcessStat[]): number[] => {
  const children = Map.groupBy(all, ({ parent }) => parent)
  const found: number[] = []
  const pending = [root]
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (const { pid } of children.get(parent) ?? []) {
      found.push(pid)
      pending.push(pid)
    }
  }
  return found
}
