/** Folders in memory for databases without a name, removed at the latest by the next process. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process may not be signalled, but it lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** A process that is killed, or whose tests close nothing, leaves its folders to this. */
const sweep = (): void => {
  for (const name of readdirSync(parent)) {
    const pid = /^hearth-nameless-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) {
      rmSync(join(parent, name), { recursive: true, force: true })
    }
  }
}

let isSwept = false

export const makeNamelessFolder = (): string => {
  if (!isSwept) sweep()
  isSwept = true
  return mkdtempSync(join(parent, `hearth-nameless-${process.pid}-`))
}
