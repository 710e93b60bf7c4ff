/** An executor whose programs are functions of the test: they write real files. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import type { AttemptFolder, Executor, Handle } from '../../../runners/executor.ts'
import type { Outcome } from '../../../src/jobs/protocol.ts'

export const exited = (exitCode: number): Outcome => ({ reason: 'exited', exitCode, signal: null })

export interface Run {
  readonly folder: AttemptFolder
  readonly env: Readonly<Record<string, string>>
  write(text: string): void
  event(event: object): void
  file(path: string, text: string): void
  /** Resolves with why somebody asked it to stop. */
  readonly stopped: Promise<string>
}

export interface Scripted {
  readonly executor: Executor
  readonly started: string[]
  readonly destroyed: string[]
}

/** What was started goes on when the agent that started it is gone, as behind a shim. */
export const scriptedExecutor = (program: (run: Run) => Promise<Outcome> | Outcome): Scripted => {
  const started: string[] = []
  const destroyed: string[] = []
  const running = new Map<string, { outcome: Promise<Outcome>; stop: (why: string) => void }>()
  const executor: Executor = {
    name: 'scripted',
    probe: async () => ({ sandboxes: ['none'], reasons: { bwrap: 'no bubblewrap' } }),
    async start(folder, env) {
      const files = attemptFiles(folder.path)
      started.push(`${folder.job}-${folder.attempt}`)
      writeFileSync(files.log, '')
      const stop = Promise.withResolvers<string>()
      const run: Run = {
        folder,
        env,
        write: (text) => appendFileSync(files.log, text),
        event: (event) => appendFileSync(files.events, `${JSON.stringify(event)}\n`),
        file(path, text) {
          mkdirSync(join(files.work, path, '..'), { recursive: true })
          writeFileSync(join(files.work, path), text)
        },
        stopped: stop.promise,
      }
      const outcome = (async () => program(run))()
      running.set(folder.path, { outcome, stop: stop.resolve })
      void outcome.then((value) => {
        if (existsSync(folder.path)) writeFileSync(files.exit, JSON.stringify(value))
      })
      return { folder }
    },
    recover: async (folder) =>
      running.has(folder.path) || existsSync(attemptFiles(folder.path).exit) ? { folder } : null,
    async stop({ folder }, why) {
      running.get(folder.path)?.stop(why)
    },
    wait: async ({ folder }: Handle) =>
      (await running.get(folder.path)?.outcome) ??
      (JSON.parse(readFileSync(attemptFiles(folder.path).exit, 'utf8')) as Outcome),
    async destroy({ folder }) {
      destroyed.push(`${folder.job}-${folder.attempt}`)
    },
  }
  return { executor, started, destroyed }
}
