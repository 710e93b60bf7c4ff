/** What a watcher has to know of its container, kept in the attempt's folder; nothing secret. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from '../../src/jobs/protocol.ts'

export interface Watched {
  readonly socket: string
  readonly container: string
  readonly log: 'program' | 'engine'
  readonly graceMs: number
  readonly limits: NonNullable<Plan['limits']>
  /** When it was about to start, on the host's own clock. */
  readonly startedMs: number
}

const fileOf = (folder: string) => join(folder, 'container.json')

/** From here on the container may have run: it is never made a second time. */
export const writeWatched = (folder: string, watched: Watched): void => {
  const fresh = `${fileOf(folder)}.tmp`
  writeFileSync(fresh, JSON.stringify(watched), { mode: 0o600 })
  renameSync(fresh, fileOf(folder))
}

export const readWatched = (folder: string): Watched | null => {
  try {
    return JSON.parse(readFileSync(fileOf(folder), 'utf8')) as Watched
  } catch {
    return null
  }
}

export const removeWatched = (folder: string): void => rmSync(fileOf(folder), { force: true })
