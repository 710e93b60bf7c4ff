/** Gives a job the Python packages it asked for: built once on a node, then shared by its jobs. */
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Plan } from '../../src/jobs/protocol.ts'
import { PrepareError } from '../workspace/prepare-error.ts'
import {
  type CacheFiles,
  cacheFiles,
  type EnvironmentRecord,
  environmentPython,
  markUse,
  readFailure,
  readRecord,
  touchRecord,
  writeFailure,
  writeRecord,
} from './cache-files.ts'
import { lockFile } from './file-lock.ts'
import { buildEnvironment, type InstallOptions, removeEnvironment, sizeOf } from './install.ts'
import { findInterpreter, forgetInterpreters, type Interpreter } from './interpreter.ts'
import { normaliseRequirements } from './requirements.ts'

export interface Environment {
  /** Digest of what went into it: the same wish on the same kind of node has the same one. */
  readonly key: string
  readonly python: string
  /** Goes first in PATH. */
  readonly binDir: string
  /** What a sandbox must let programs read, never write. */
  readonly folders: readonly string[]
}

export interface EnvironmentOptions {
  readonly cacheDir: string
  /** A path that exists as long as the environment is in use: the attempt's folder. */
  readonly usedBy: string
  /** Told what is being done, for people. */
  report?(detail: string): void
  readonly signal?: AbortSignal
  /** The node's own; pip and uv take proxies and mirrors from it. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Part of the key: raised when environments are built in another way. */
const format = 1
/** Those that waited for a build that failed fail with it; who comes later tries again. */
const failureMs = 30_000

/** @throws PrepareError when the packages cannot be had */
export const ensureEnvironment = async (
  wanted: NonNullable<Plan['python']>,
  options: EnvironmentOptions,
): Promise<Environment> => {
  const cacheDir = resolve(options.cacheDir)
  const requirements = normaliseRequirements(wanted.requirements)
  const install: InstallOptions = {
    env: installerEnv(options.env ?? process.env),
    signal: options.signal,
    ...(options.report && { report: options.report }),
  }
  const interpreter = await findInterpreter(wanted.version, install.env)
  const key = keyOf(requirements, interpreter)
  const files = cacheFiles(cacheDir, key)
  await mkdir(cacheDir, { recursive: true, mode: 0o755 })
  using _lock = await lockFile(files.lock, {
    signal: options.signal,
    onWait: () => options.report?.('waiting for the same packages of another job'),
  })
  const record =
    (await readRecord(cacheDir, files)) ??
    (await build(cacheDir, key, files, interpreter, requirements, install))
  await touchRecord(files)
  await markUse(files, resolve(options.usedBy))
  const folder = join(cacheDir, record.folder)
  return {
    key,
    python: environmentPython(folder),
    binDir: join(folder, 'bin'),
    folders: [folder, record.prefix],
  }
}

/** Only with the lock held. */
const build = async (
  cacheDir: string,
  key: string,
  files: CacheFiles,
  interpreter: Interpreter,
  requirements: readonly string[],
  install: InstallOptions,
): Promise<EnvironmentRecord> => {
  const failure = await readFailure(files, failureMs)
  if (failure) throw new PrepareError(failure.message)
  await removeHalves(cacheDir, key, install.env)
  const name = `${key}-${crypto.randomUUID().slice(0, 8)}`
  const folder = join(cacheDir, name)
  try {
    await buildEnvironment(folder, interpreter, requirements, install)
  } catch (error) {
    forgetInterpreters()
    await removeEnvironment(folder, install.env).catch(() => undefined)
    if (error instanceof PrepareError) await writeFailure(files, error.message)
    throw error
  }
  const sizeBytes = await sizeOf(folder, install.env)
  const record = { folder: name, prefix: interpreter.prefix, sizeBytes, requirements }
  await writeRecord(files, record)
  return record
}

/** What killed builds left, and environments whose Python is gone. */
const removeHalves = async (
  cacheDir: string,
  key: string,
  env: Readonly<Record<string, string>>,
): Promise<void> => {
  for (const name of await readdir(cacheDir)) {
    // An installer that outlived its agent may still write there: what stays is removed later.
    if (name.startsWith(`${key}-`))
      await removeEnvironment(join(cacheDir, name), env).catch(() => undefined)
  }
}

const keyOf = (requirements: readonly string[], { path, version, platform }: Interpreter) =>
  new Bun.CryptoHasher('sha256')
    .update(JSON.stringify([format, requirements, path, version, platform]))
    .digest('hex')
    .slice(0, 32)

const passedOn = new RegExp(
  [
    'PATH|HOME|TMPDIR|LANG|LC_ALL|LD_LIBRARY_PATH|XDG_\\w+|PIP_\\w+|UV_\\w+',
    '(https?|all|no)_proxy|SSL_CERT_\\w+|REQUESTS_CA_BUNDLE',
  ]
    .map((names) => `^(${names})$`)
    .join('|'),
  'i',
)

/** Installers get what they need, and no secret that merely lies in the node's environment. */
export const installerEnv = (
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> => {
  const passed: Record<string, string> = { PYTHONNOUSERSITE: '1' }
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && passedOn.test(name)) passed[name] = value
  return passed
}
