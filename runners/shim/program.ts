/** The program of an attempt as a tree of processes: started, signalled, ended to the last one. */
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { attemptFiles } from '../attempt-files.ts'
import { descendants, listProcesses } from '../process/proc.ts'
import { killUntilNone, sendSignal } from '../process/signal.ts'
import type { Cgroup } from '../sandbox/cgroup.ts'
import type { Launch } from './launch.ts'

export interface Program {
  readonly pid: number
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** SIGTERM to the program's group: what it started in sessions of their own is not told. */
  terminate(): void
  /** Resolves when nothing is left, or when the kernel does not let go of it. */
  kill(): Promise<void>
  /** Tells what outlives the program to end, and ends it at `untilMs` of `performance.now()`. */
  endLeftovers(untilMs: number): Promise<void>
  usage(): { readonly cpuMs: number; readonly peakMemoryBytes: number }
}

const signalName = (signal: string | number | null): string | null =>
  signal === null ? null : String(signal)

/** Joins groups of several hierarchies, then becomes the program: Bun can join only one. */
const join = [
  'n=$1; shift',
  'while [ "$n" -gt 0 ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done',
  'exec "$@"',
].join('\n')

const joining = ({ command }: Launch, folders: readonly string[]): string[] =>
  folders.length < 2
    ? [...command]
    : ['/bin/sh', '-c', join, 'sh', String(folders.length), ...folders, ...command]

/** Looked for beforehand: a wrapper would start, and only then not find it. */
const isThere = ({ name, cwd, env }: Launch): boolean => {
  if (!name.includes('/')) return Bun.which(name, { PATH: env['PATH'] ?? '', cwd }) !== null
  try {
    accessSync(resolve(cwd, name), constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @throws when there is no such program, or it cannot be started */
export const startProgram = (folder: string, launch: Launch, cgroup: Cgroup | null): Program => {
  if (!isThere(launch)) throw new Error(`There is no program ${launch.name}`)
  const log = openSync(attemptFiles(folder).log, 'a')
  const groups = cgroup?.folders ?? []
  const child = (() => {
    try {
      return Bun.spawn(joining(launch, groups), {
        cwd: launch.cwd,
        env: { ...launch.env },
        stdio: [launch.input === undefined ? 'ignore' : Buffer.from(launch.input), log, log],
        detached: true,
        ...(groups.length === 1 && groups[0] ? { cgroup: groups[0] } : {}),
      })
    } finally {
      closeSync(log)
    }
  })()

  const left = (): number[] => {
    const all = listProcesses()
    const inSession = all.filter(({ session }) => session === child.pid).map(({ pid }) => pid)
    return [
      ...new Set([...descendants(process.pid, all), ...inSession, ...(cgroup?.pids() ?? [])]),
    ].filter((pid) => all.some((stat) => stat.pid === pid))
  }
  /** The leader of the program's own group: in a sandbox it is the wrapper's only child. */
  const leader = (): number => {
    if (launch.program === 'command') return child.pid
    return listProcesses().find(({ parent }) => parent === child.pid)?.pid ?? child.pid
  }

  const kill = async (): Promise<void> => {
    cgroup?.kill()
    sendSignal(-child.pid, 'SIGKILL')
    await killUntilNone(left)
  }

  return {
    pid: child.pid,
    exited: child.exited.then(() => ({
      code: child.exitCode,
      signal: signalName(child.signalCode),
    })),
    terminate: () => {
      sendSignal(-leader(), 'SIGTERM')
    },
    kill,
    async endLeftovers(untilMs) {
      const told = left()
      if (told.length === 0) return
      for (const pid of told) sendSignal(pid, 'SIGTERM')
      while (performance.now() < untilMs && left().length > 0) await Bun.sleep(20)
      await kill()
    },
    usage() {
      // Of the largest process alone, where no control group counted them together.
      const used = child.resourceUsage()
      return {
        cpuMs: cgroup?.cpuMs() ?? Number(used?.cpuTime.total ?? 0) / 1000,
        peakMemoryBytes: cgroup?.peakMemoryBytes() ?? used?.maxRSS ?? 0,
      }
    },
  }
}
