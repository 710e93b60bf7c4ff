/** Ends what a dead shim left behind, found by traces that a program cannot wipe out at once. */
import { attemptFiles } from '../attempt-files.ts'
import {
  descendants,
  listProcesses,
  type ProcessIdentity,
  readStat,
  startedWith,
} from '../process/proc.ts'
import { killUntilNone } from '../process/signal.ts'
import { openCgroup } from '../sandbox/cgroup.ts'
import { readChild } from './attempt-state.ts'

/**
 * Kills the attempt's program and all that it began. Found are the session it leads, its control
 * group, everything with the attempt's own HEARTH_EVENTS in its environment, and their children.
 */
export const endOrphans = async (folder: string): Promise<void> => {
  const child = readChild(folder)
  const mark = `HEARTH_EVENTS=${attemptFiles(folder).events}`
  const cgroup = child?.cgroup ? openCgroup(child.cgroup) : null
  const find = (): number[] => {
    const all = listProcesses()
    const roots = new Set(cgroup?.pids() ?? [])
    for (const { pid, session } of all) {
      if (pid === process.pid) continue
      if ((child && session === child.pid && !isReused(child)) || startedWith(pid, mark)) {
        roots.add(pid)
      }
    }
    return [...new Set([...roots].flatMap((pid) => [pid, ...descendants(pid, all)]))]
  }
  cgroup?.kill()
  await killUntilNone(find)
  await cgroup?.remove()
}

/** Whether the pid that led the session belongs to another process by now. */
const isReused = ({ pid, startTicks }: ProcessIdentity): boolean => {
  const stat = readStat(pid)
  return stat !== null && stat.startTicks !== startTicks
}
