/** Attempts as an agent would run them: each in a folder of its own, ended with the tests. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import type { AttemptFolder } from '../../../runners/executor.ts'
import { createLocalExecutor, type LocalHandle } from '../../../runners/local.ts'
import { listProcesses, startedWith } from '../../../runners/process/proc.ts'
import type { Outcome, Plan } from '../../../src/jobs/protocol.ts'

export const executor = createLocalExecutor()

/** Waits for a condition, not for a time; fails loudly when it does not come. */
export const until = async <T>(
  what: string,
  look: () => T | null | undefined | false,
): Promise<T> => {
  const giveUpAt = performance.now() + 10_000
  for (;;) {
    const found = look()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`)
    await Bun.sleep(5)
  }
}

const base = join(tmpdir(), `hearth-local-${process.pid}`)
const begun: LocalHandle[] = []
let count = 0

/** For `afterAll` of every file that begins attempts. */
export const cleanUp = async (): Promise<void> => {
  for (const handle of begun.splice(0)) await executor.destroy(handle)
  rmSync(base, { recursive: true, force: true })
}

/** A plan that runs `script` with a shell, and the folder for it. */
export const attempt = (script: string, plan: Partial<Plan> = {}): AttemptFolder => {
  const path = join(base, `j${++count}-1`)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return {
    path,
    job: `j${count}`,
    attempt: 1,
    gpus: [],
    plan: { command: ['/bin/sh', '-c', script], graceMs: 5000, ...plan },
  }
}

export const start = async (
  folder: AttemptFolder,
  env: Readonly<Record<string, string>> = {},
): Promise<LocalHandle> => {
  const handle = await executor.start(folder, env)
  begun.push(handle)
  return handle
}

/** Runs it to its end. Answers how it ended without what differs each time, and what it said. */
export const run = async (folder: AttemptFolder, env: Readonly<Record<string, string>> = {}) => {
  const handle = await start(folder, env)
  const { usage, ...outcome } = await executor.wait(handle)
  return { outcome, usage, log: logOf(folder) }
}

export const logOf = ({ path }: AttemptFolder): string => {
  try {
    return readFileSync(attemptFiles(path).log, 'utf8')
  } catch {
    return ''
  }
}

/** Waits until the program has written a whole line that begins with `word`; answers the rest. */
export const said = (folder: AttemptFolder, word: string): Promise<string> =>
  until(`it says ${word}`, () => new RegExp(`^${word} ?(.*)\n`, 'm').exec(logOf(folder))?.[1])

/** What lives of an attempt, found without any of the records that the product keeps. */
export const livingOf = ({ path }: AttemptFolder): number[] =>
  listProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => startedWith(pid, `HEARTH_EVENTS=${attemptFiles(path).events}`))

export const isAlive = (pid: number): boolean => listProcesses().some((stat) => stat.pid === pid)

export const exited = (exitCode: number): Outcome => ({
  reason: 'exited',
  exitCode,
  signal: null,
})
