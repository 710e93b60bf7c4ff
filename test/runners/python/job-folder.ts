/** Runs a program as a node would: the files and variables of the contract, and nothing else. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programPath } from '../../../runners/python/program-path.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { parseEvents } from '../../../src/jobs/events-parse.ts'

export interface Ended {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export const jobFolder = async () => {
  const temporary = await temporaryFolder()
  const path = (name: string) => join(temporary.path, name)
  await mkdir(path('work'))
  const modules = await programPath(path('state'))

  const start = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const child = Bun.spawn([...argv], {
      cwd: path('work'),
      env: {
        PATH: process.env['PATH'] ?? '',
        PYTHONPATH: modules,
        PYTHONDONTWRITEBYTECODE: '1',
        HEARTH_EVENTS: path('events'),
        HEARTH_CONTROL: path('control'),
        HEARTH_CHECKPOINT: '',
        ...env,
      },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    let stdout = ''
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of child.stdout) stdout += decoder.decode(chunk, { stream: true })
    })()
    return {
      /** Asks it to end, as the shim does. */
      async ask(wish: 'pause' | 'cancel') {
        await writeFile(path('control'), wish)
        child.kill('SIGTERM')
      },
      kill: () => child.kill('SIGKILL'),
      said: (text: string) =>
        waitUntil(`the program to say ${text}`, async () => stdout.includes(text)),
      async ended(): Promise<Ended> {
        const stderr = await new Response(child.stderr).text()
        await reading
        await child.exited
        const signal = child.signalCode === null ? null : String(child.signalCode)
        return { exitCode: child.exitCode, signal, stdout, stderr }
      },
    }
  }

  return {
    path,
    start,
    run: (...args: Parameters<typeof start>) => start(...args).ended(),
    /** What the server would understand of the program's events so far. */
    async events() {
      const bytes = await Bun.file(path('events'))
        .bytes()
        .catch(() => new Uint8Array())
      const { lines } = parseEvents(bytes, { base: 0, maxLines: 1e6, final: true })
      return lines.map(({ event, json, problem }) => problem ?? event ?? json)
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  }
}
export type JobFolder = Awaited<ReturnType<typeof jobFolder>>
