/** Makes this process the parent of every orphan below it, so that none slips out of sight. */
import { dlopen } from 'bun:ffi'
import { readFileSync } from 'node:fs'
import { readStat } from './proc.ts'

const PR_SET_CHILD_SUBREAPER = 36
const WNOHANG = 1

export interface Subreaper {
  /** Buries adopted orphans that have died: each would hold a pid, and count as one. */
  reap(except: number): void
}

const libc = () =>
  dlopen('libc.so.6', {
    prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
    waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
  }).symbols

/** Null where the C library is another one; sessions, marks and control groups must do then. */
export const becomeSubreaper = (): Subreaper | null => {
  try {
    const { prctl, waitpid } = libc()
    if (prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) !== 0) return null
    return {
      reap(except) {
        for (const pid of children()) {
          if (pid !== except && readStat(pid)?.state === 'Z') waitpid(pid, null, WNOHANG)
        }
      },
    }
  } catch {
    return null
  }
}

const children = (): number[] => {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  } catch {
    return []
  }
}
