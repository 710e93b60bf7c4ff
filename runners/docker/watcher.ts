/** The process that watches over a container: begun, found again, and ended, by its mark. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../src/jobs/protocol.ts'
import { ownProgram } from '../own-program.ts'
import { identify, isRunning, listProcesses, startedWith } from '../process/proc.ts'
import { sendSignal } from '../process/signal.ts'
import { readOutcome } from '../shim/attempt-state.ts'
import { wakeSignal } from '../shim/shim.ts'

const lookEveryMs = 50
/** Watchers that end without an outcome, before it is said aloud. */
const maxTries = 5

const errorsOf = (folder: string) => join(folder, 'watcher.err')

const watchersOf = (folder: string): number[] =>
  listProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => startedWith(pid, `HEARTH_SHIM=${folder}`))

/** It outlives this process. There must be none for the folder yet. */
export const spawnWatcher = (folder: string): number => {
  const errors = openSync(errorsOf(folder), 'a', 0o600)
  try {
    const child = Bun.spawn([...ownProgram(), 'shim', '--container', folder], {
      cwd: folder,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HEARTH_SHIM: folder },
      stdio: ['ignore', errors, errors],
      detached: true,
    })
    child.unref()
    return child.pid
  } finally {
    closeSync(errors)
  }
}

/** There is something new in the folder to look at. A lost signal costs a moment, no more. */
export const wakeWatchers = (folder: string): void => {
  for (const pid of watchersOf(folder)) sendSignal(pid, wakeSignal)
}

export const endWatchers = (folder: string): void => {
  for (const pid of watchersOf(folder)) sendSignal(pid, 'SIGKILL')
}

/** Sees to it that somebody watches until there is an outcome. */
export const watchedOutcome = async (folder: string): Promise<Outcome> => {
  for (let tries = 0; ; tries++) {
    const watcher = identify(watchersOf(folder)[0] ?? spawnWatcher(folder))
    for (;;) {
      // In this order: the last that a watcher does is to write the outcome.
      const isWatched = watcher !== null && isRunning(watcher)
      const outcome = readOutcome(folder)
      if (outcome) return outcome
      if (!isWatched) break
      await Bun.sleep(lookEveryMs)
    }
    if (tries >= maxTries) throw new Error(`The container is not watched: ${lastErrors(folder)}`)
    await Bun.sleep(lookEveryMs * 2 ** tries)
  }
}

const lastErrors = (folder: string): string => {
  try {
    return readFileSync(errorsOf(folder), 'utf8').trim().slice(-1000)
  } catch {
    return ''
  }
}
