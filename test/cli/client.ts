/** A server, and people at their terminals: the real program on both sides. */
import { join } from 'node:path'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { freePort } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'

const main = join(import.meta.dir, '../../src/main.ts')

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Client extends AsyncDisposable {
  /** The working folder. */
  readonly path: string
  readonly origin: string
  readonly env: Readonly<Record<string, string>>
  /** Runs `hearth` to its end. */
  hearth(...args: string[]): Promise<Ended>
  /** Its standard output, line by line of JSON. @throws when it fails */
  json<T = Record<string, unknown>>(verb: string, ...args: string[]): Promise<T[]>
  argv(...args: string[]): string[]
  write(path: string, text: string): Promise<void>
  kill(): Promise<void>
  start(): Promise<void>
}

export const openClient = async (): Promise<Client> => {
  const folder = await temporaryFolder()
  const path = join(folder.path, 'work')
  await Bun.write(join(path, 'hello.txt'), 'hello from the folder\n')
  const port = freePort()
  const origin = `http://127.0.0.1:${port}`
  const env = {
    PATH: process.env['PATH'] as string,
    HOME: join(folder.path, 'home'),
    HEARTH_URL: origin,
    TERM: 'xterm',
  }
  const begin = (): Promise<Hearth> =>
    startHearth({ dataDir: join(folder.path, 'data'), env: { PORT: String(port) } })
  let server = await begin()
  const argv = (...args: string[]) => [process.execPath, main, ...args]
  const hearth = async (...args: string[]): Promise<Ended> => {
    const child = Bun.spawn(argv(...args), {
      cwd: path,
      env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    return { code, out, err }
  }
  return {
    path,
    origin,
    env,
    hearth,
    argv,
    async json<T>(verb: string, ...args: string[]) {
      const { code, out, err } = await hearth(verb, '--json', ...args)
      if (code !== 0) throw new Error(`${verb} ${args.join(' ')}: ${code}\n${out}${err}`)
      return out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as T)
    },
    write: async (name, text) => {
      await Bun.write(join(path, name), text)
    },
    async kill() {
      await server.end('SIGKILL')
    },
    async start() {
      server = await begin()
    },
    async [Symbol.asyncDispose]() {
      await server.end('SIGTERM')
      await folder[Symbol.asyncDispose]()
    },
  }
}
