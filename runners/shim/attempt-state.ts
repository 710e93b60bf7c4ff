/** What a shim leaves on disk for whoever comes after it: its claim, its program, the outcome. */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { identify, type ProcessIdentity } from '../process/proc.ts'
import type { CgroupPlan } from '../sandbox/cgroup.ts'
import type { StopReason } from './stop-reason.ts'

/** What is known of a program once it runs; enough to end it when its shim is gone. */
export interface ChildRecord extends ProcessIdentity {
  readonly cgroup: CgroupPlan | null
}

const readJson = <T>(path: string): T | null => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return null
  }
}

/** Written under another name first: whoever reads it sees all of it or nothing. */
export const writeWhole = (
  path: string,
  text: string,
  { durable = false, mode = 0o600 }: { durable?: boolean; mode?: number } = {},
): void => {
  const fresh = `${path}.${process.pid}.tmp`
  const file = openSync(fresh, 'w', mode)
  try {
    writeSync(file, text)
    if (durable) fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}

/**
 * Takes the attempt for this process. One call ever answers true: the claim and who made it appear
 * at the same moment, so that no death in between leaves one without the other.
 */
export const claim = (folder: string): boolean => {
  const { claimed } = attemptFiles(folder)
  const mine = `${claimed}.${process.pid}.tmp`
  try {
    writeFileSync(mine, JSON.stringify(identify('self')), { mode: 0o600 })
    linkSync(mine, claimed)
    return true
  } catch {
    return false
  } finally {
    rmSync(mine, { force: true })
  }
}

export const readClaim = (folder: string): ProcessIdentity | null =>
  readJson(attemptFiles(folder).claimed)

const childFile = (folder: string) => join(folder, 'child.json')

/** On a full disk there is none: an orphan is then found by its session and environment alone. */
export const writeChild = (folder: string, child: ChildRecord): void => {
  try {
    writeWhole(childFile(folder), JSON.stringify(child))
  } catch {
    // The program runs already, and is not ended for this.
  }
}

export const readChild = (folder: string): ChildRecord | null => readJson(childFile(folder))

/** Waits for room on a full disk: an outcome is never given up, unless its folder is gone. */
export const writeOutcome = async (folder: string, outcome: Outcome): Promise<void> => {
  const text = JSON.stringify(outcome)
  for (;;) {
    try {
      return writeWhole(attemptFiles(folder).exit, text, { durable: true })
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!['ENOSPC', 'EDQUOT', 'EIO'].includes(code)) throw error
      await Bun.sleep(500)
    }
  }
}

export const readOutcome = (folder: string): Outcome | null => readJson(attemptFiles(folder).exit)

const stopFile = (folder: string) => join(folder, 'stop')

/** The program sees `pause` or `cancel`; the shim also sees what else was behind it. */
export const requestStop = (folder: string, why: StopReason): void => {
  writeWhole(stopFile(folder), why)
  // A sandboxed program is another user; what keeps others out is the attempt's folder.
  writeWhole(attemptFiles(folder).control, why === 'pause' ? 'pause' : 'cancel', { mode: 0o644 })
}

export const readStop = (folder: string): StopReason | null => {
  try {
    return readFileSync(stopFile(folder), 'utf8') as StopReason
  } catch {
    return null
  }
}
