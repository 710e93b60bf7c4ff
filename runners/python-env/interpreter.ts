/** Finds the Pythons of a node, by asking them. */
import { Glob } from 'bun'
import { homedir } from 'node:os'
import { PrepareError } from '../workspace/prepare-error.ts'
import { runCommand } from './command.ts'

export interface Interpreter {
  /** Of the installation, never of a virtual environment. */
  readonly path: string
  readonly version: string
  /** Of the interpreter and the machine together: `cpython-311 linux-x86_64 glibc-2.36`. */
  readonly platform: string
  /** The folder it is installed in. */
  readonly prefix: string
  readonly pip: string | null
}

const question = `
import json, os, platform, sys, sysconfig
try:
    from importlib.metadata import version
    pip = version('pip')
except Exception:
    pip = None
print(json.dumps({
    'path': os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable),
    'version': platform.python_version(),
    'platform': ' '.join([
        sys.implementation.cache_tag or sys.implementation.name,
        sysconfig.get_platform(),
        '-'.join(platform.libc_ver()),
    ]),
    'prefix': sys.base_prefix,
    'pip': pip,
}))
`

const known = new Map<string, Interpreter>()

/** After an installation has vanished. */
export const forgetInterpreters = (): void => known.clear()

/**
 * `version` is `3.11`, say; without one, the Python that a person at the node would get.
 * @throws PrepareError
 */
export const findInterpreter = async (
  version: string | undefined,
  env: Readonly<Record<string, string>>,
): Promise<Interpreter> => {
  const key = JSON.stringify([version, env['PATH']])
  const before = known.get(key)
  if (before) return before
  for await (const path of candidates(version, env)) {
    const found = await ask(path, env)
    if (!found || (version && !found.version.startsWith(`${version}.`))) continue
    known.set(key, found)
    return found
  }
  throw new PrepareError(`the node has no Python${version ? ` ${version}` : ''}`)
}

async function* candidates(
  version: string | undefined,
  env: Readonly<Record<string, string>>,
): AsyncGenerator<string> {
  const names = version ? [`python${version}`, 'python3', 'python'] : ['python3', 'python']
  for (const name of names) {
    const path = Bun.which(name, { PATH: env['PATH'] ?? '' })
    if (path) yield path
  }
  if (!version) return
  // Installations that are not on PATH until a person chooses them.
  const home = env['HOME'] ?? homedir()
  const folders = [
    `.pyenv/versions/${version}.*/bin/python3`,
    `.local/share/uv/python/*-${version}.*/bin/python3`,
  ]
  for (const pattern of folders) {
    const glob = new Glob(pattern).scan({ cwd: home, absolute: true, dot: true, onlyFiles: false })
    yield* await Array.fromAsync(glob).catch(() => [])
  }
}

const ask = async (
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<Interpreter | null> => {
  try {
    const { exitCode, stdout } = await runCommand([path, '-I', '-c', question], { env })
    return exitCode === 0 ? (JSON.parse(stdout) as Interpreter) : null
  } catch {
    return null
  }
}
