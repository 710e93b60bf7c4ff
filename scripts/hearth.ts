/** Starts real server processes for the fault tests and benchmarks, to be measured and killed. */
import { join } from 'node:path'
import { waitUntil } from './port.ts'

const main = join(import.meta.dir, '../src/main.ts')

export interface HearthOptions {
  readonly dataDir: string
  /** On top of PATH and HOME; nothing else of the caller's environment reaches the server. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the server looks for `hearth.config.json` and `plugins/`; the caller's unless given. */
  readonly cwd?: string
  /** After `start`: `--config`, say. */
  readonly args?: readonly string[]
}

export interface Hearth {
  readonly origin: string
  readonly pid: number
  /** Everything the process has said so far. */
  output(): string
  /** Ends the process with `signal` and waits until it is gone. Answers the exit code. */
  end(signal?: NodeJS.Signals): Promise<number>
  readonly exited: Promise<number>
}

/** Runs `start` and reads what it says; does not wait for it to listen. */
export const spawnHearth = ({ dataDir, env, cwd, args = [] }: HearthOptions) => {
  const child = Bun.spawn([process.execPath, main, 'start', ...args], {
    ...(cwd && { cwd }),
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: '0',
      DATA_DIR: dataDir,
      SECRET_KEY: 'a key for tests and benchmarks, known to all',
      ...env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let said = ''
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) said += decoder.decode(chunk, { stream: true })
  }
  const read = Promise.all([listen(child.stdout), listen(child.stderr)])
  return { child, read, output: () => said }
}

/** Resolves when the server listens. @throws with what it said when it ends instead */
export const startHearth = async (options: HearthOptions): Promise<Hearth> => {
  const { child, read, output } = spawnHearth(options)
  let origin: string | undefined
  await waitUntil('the server to listen', () => {
    if (child.exitCode !== null) throw new Error(`The server did not start:\n${output()}`)
    origin = /^listening on (http:\S+)$/m.exec(output())?.[1]
    return origin !== undefined
  })
  return {
    origin: origin as string,
    pid: child.pid,
    output,
    exited: child.exited,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      const code = await child.exited
      await read
      return code
    },
  }
}

/** Registers a user and answers a token for it. */
export const signUp = async (origin: string, username = 'ada'): Promise<string> => {
  const password = `the password of ${username}`
  const register = await fetch(`${origin}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `${username}@example.com`, username, password }),
  })
  if (!register.ok) throw new Error(`register: ${register.status} ${await register.text()}`)
  const login = await fetch(`${origin}/auth/login`, {
    method: 'POST',
    body: new URLSearchParams({ username, password }),
  })
  if (!login.ok) throw new Error(`login: ${login.status} ${await login.text()}`)
  return ((await login.json()) as { access_token: string }).access_token
}

/** Calls a JSON route and answers its body. @throws for any status but 2xx */
export const callJson = async <T = Record<string, unknown>>(
  origin: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> => {
  const reply = await fetch(origin + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
  return (await reply.json()) as T
}
