/** Where printed examples run: an empty folder, a server of their own, and a home without past. */
import { expect } from 'bun:test'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { callJson, type Hearth, startHearth } from '../../scripts/hearth.ts'
import { freePort } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'

const root = join(import.meta.dir, '../..')
const interpreter = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')

export interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

export interface Running {
  readonly pid: number
  /** Standard output so far. */
  output(): string
  stop(): Promise<void>
}

export interface Workbench extends AsyncDisposable {
  readonly path: string
  readonly port: number
  readonly origin: string
  /** Runs a script by bash and answers its standard output. @throws when it fails */
  shell(script: string, options?: ShellOptions): Promise<string>
  /** Writes a script to a file, runs it, answers its standard output. @throws when it fails */
  python(script: string, options?: ShellOptions): Promise<string>
  /** Runs a Python script that does not end by itself. */
  follow(script: string): Promise<Running>
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>
  /** Registers a user and makes `call` speak for it. Answers the token. */
  signUp(username: string, password: string): Promise<string>
  logIn(username: string, password: string): Promise<string>
  /** Kills the server and starts it again, on the same port and data. */
  killAndStart(): Promise<void>
}

export const openWorkbench = async (): Promise<Workbench> => {
  const folder = await temporaryFolder()
  const bin = join(folder.path, 'bin')
  const home = join(folder.path, 'home')
  await mkdir(home)
  // By a script, since an environment's interpreter does not know itself through a link.
  for (const name of ['python', 'python3']) {
    await Bun.write(join(bin, name), `#!/bin/sh\nexec '${interpreter}' "$@"\n`)
    await chmod(join(bin, name), 0o755)
  }
  const hearthScript = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'src/main.ts')}' "$@"\n`
  await Bun.write(join(bin, 'hearth'), hearthScript)
  await chmod(join(bin, 'hearth'), 0o755)
  const port = freePort()
  const start = () =>
    startHearth({ dataDir: join(folder.path, 'data'), env: { PORT: String(port) } })
  let hearth: Hearth = await start()
  const { origin } = hearth
  let token = ''
  const spawn = (argv: string[], { env, input = '' }: ShellOptions = {}) =>
    Bun.spawn(argv, {
      cwd: folder.path,
      env: {
        PATH: `${bin}:${process.env['PATH']}`,
        HOME: home,
        HEARTH_URL: origin,
        PYTHONPATH: join(root, 'sdk/python'),
        PYTHONDONTWRITEBYTECODE: '1',
        ...env,
      },
      stdin: new Blob([input]),
      stdout: 'pipe',
      stderr: 'pipe',
    })
  const here = (text: string) => text.replaceAll(/\b(localhost|127\.0\.0\.1):8000\b/g, `$1:${port}`)
  const ended = async (child: ReturnType<typeof spawn>): Promise<string> => {
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    if ((await child.exited) !== 0) throw new Error(`${out}\n${err}`)
    return out
  }
  const script = async (text: string): Promise<string> => {
    const path = join(folder.path, 'train.py')
    await Bun.write(path, here(text))
    return path
  }
  const logIn = async (username: string, password: string): Promise<string> => {
    const body = new URLSearchParams({ username, password })
    const reply = await fetch(`${origin}/auth/login`, { method: 'POST', body })
    expect(reply.status).toBe(200)
    token = ((await reply.json()) as { access_token: string }).access_token
    return token
  }
  return {
    path: folder.path,
    port,
    origin,
    shell: (text, options) => ended(spawn(['bash', '-euo', 'pipefail', '-c', here(text)], options)),
    python: async (text, options) => ended(spawn(['python', await script(text)], options)),
    async follow(text) {
      const child = spawn([join(bin, 'python'), await script(text)])
      let said = ''
      const listen = async () => {
        const decoder = new TextDecoder()
        for await (const chunk of child.stdout) said += decoder.decode(chunk, { stream: true })
      }
      const heard = listen()
      const complaints = new Response(child.stderr).text()
      return {
        pid: child.pid,
        output: () => said,
        async stop() {
          const early = child.exitCode
          child.kill()
          await child.exited
          await heard
          if (early !== null) throw new Error(`ended with ${early}:\n${await complaints}`)
        },
      }
    },
    call: (method, path, body) => callJson(origin, token, method, path, body),
    async signUp(username, password) {
      const email = `${username}@example.com`
      await callJson(origin, '', 'POST', '/auth/register', { email, username, password })
      return logIn(username, password)
    },
    logIn,
    async killAndStart() {
      await hearth.end('SIGKILL')
      hearth = await start()
    },
    async [Symbol.asyncDispose]() {
      await hearth.end('SIGKILL')
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** A TypeScript module inside the repository, where `hearth` is found; its types are checked. */
export const moduleOf = async (text: string) => {
  const folder = join(root, '.cache', `example-${crypto.randomUUID()}`)
  const path = join(folder, 'index.ts')
  await Bun.write(path, text)
  await must([process.execPath, 'check', '--no-script', path], { cwd: root })
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
