/** Decides when an attempt must end: asked to, past its deadline, or over one of its limits. */
import { readFileSync, statSync } from 'node:fs'
import type { OutcomeReason } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { monotonicMs } from '../monotonic.ts'
import type { Cgroup } from '../sandbox/cgroup.ts'
import { readStop } from './attempt-state.ts'
import { diskBytes } from './disk-use.ts'
import type { Launch } from './launch.ts'
import { stopOutcomes } from './stop-reason.ts'

export interface Verdict {
  readonly reason: OutcomeReason
  readonly message?: string
}

export interface LimitWatch {
  /** Null while the attempt may run on. */
  look(): Verdict | null
  /** After the end: what it died of, or wrote in its last moments. */
  lookBack(): Verdict | null
  wallMs(): number
}

/** Measuring a folder takes at most this part of the time. */
const diskShare = 1 / 20

/** Its time began `elapsedMs` ago. */
export const watchLimits = (
  folder: string,
  launch: Pick<Launch, 'limits' | 'disk' | 'cgroup'>,
  cgroup: Cgroup | null,
  elapsedMs = 0,
): LimitWatch => {
  const files = attemptFiles(folder)
  const startedAt = performance.now() - elapsedMs
  let nextDiskAt = 0

  const stop = (): Verdict | null => {
    const why = readStop(folder)
    return why && { reason: stopOutcomes[why] }
  }
  const deadline = (): Verdict | null => {
    const at = readDeadline(files.deadline)
    return at !== null && monotonicMs() > at
      ? { reason: 'lease_expired', message: 'The node was out of contact for too long' }
      : null
  }
  const wall = (): Verdict | null => {
    const { wallMs } = launch.limits
    return wallMs !== undefined && performance.now() - startedAt >= wallMs
      ? { reason: 'timeout', message: `The job ran longer than ${wallMs} ms` }
      : null
  }
  const log = (): Verdict | null => {
    const { logBytes } = launch.limits
    return logBytes !== undefined && sizeOf(files.log) > logBytes
      ? { reason: 'log_limit', message: `The job logged more than ${logBytes} bytes` }
      : null
  }
  const disk = (): Verdict | null => {
    const limit = launch.limits.diskBytes
    if (limit === undefined || performance.now() < nextDiskAt) return null
    const began = performance.now()
    const used = diskBytes(launch.disk, limit)
    nextDiskAt = performance.now() + (performance.now() - began) / diskShare
    return used > limit
      ? { reason: 'disk_full', message: `The job wrote more than ${limit} bytes` }
      : null
  }
  const memory = (): Verdict | null =>
    cgroup && cgroup.oomKills() > 0
      ? {
          reason: 'oom',
          message: `The job needed more than ${launch.cgroup?.limits.memoryBytes} bytes of memory`,
        }
      : null

  return {
    look() {
      return stop() ?? deadline() ?? wall() ?? memory() ?? log() ?? disk()
    },
    lookBack() {
      nextDiskAt = 0
      return memory() ?? log() ?? disk()
    },
    wallMs: () => Math.round(performance.now() - startedAt),
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const readDeadline = (path: string): number | null => {
  try {
    const at = Number.parseFloat(readFileSync(path, 'latin1'))
    return Number.isFinite(at) ? at : null
  } catch {
    return null
  }
}
