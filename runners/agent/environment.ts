/** The environment a program gets: what it needs to know, and nothing of the node's own. */
import { delimiter } from 'node:path'
import { attemptFiles } from '../attempt-files.ts'
import type { StoredAttempt } from './attempt-store.ts'

export interface EnvironmentOptions {
  readonly stored: StoredAttempt
  readonly secrets: Readonly<Record<string, string>>
  /** Folders before the system's in PATH, and those where Python finds modules. */
  readonly binDirs: readonly string[]
  readonly pythonPath: readonly string[]
}

const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export const environmentOf = (options: EnvironmentOptions): Record<string, string> => {
  const { stored, secrets, binDirs, pythonPath } = options
  const files = attemptFiles(stored.path)
  const defaults = {
    PATH: [...binDirs, ...systemPath].join(delimiter),
    LANG: 'C.UTF-8',
    HOME: files.home,
    TMPDIR: files.tmp,
    // Lines are seen when they are written, not when a buffer is full.
    PYTHONUNBUFFERED: '1',
    ...(pythonPath.length > 0 && { PYTHONPATH: pythonPath.join(delimiter) }),
  }
  return {
    ...defaults,
    ...stored.plan.env,
    ...secrets,
    // Empty hides every GPU from CUDA: a job sees those it was leased, and no others.
    CUDA_VISIBLE_DEVICES: stored.gpus.join(','),
    HEARTH_JOB: stored.job,
    HEARTH_ATTEMPT: String(stored.attempt),
    HEARTH_EVENTS: files.events,
    HEARTH_CONTROL: files.control,
    HEARTH_CHECKPOINT: stored.checkpoint?.path ?? '',
  }
}
