/** Makes a virtual environment and puts packages into it, by uv where there is one, else by pip. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PrepareError } from '../workspace/prepare-error.ts'
import { environmentPython } from './cache-files.ts'
import { type CommandResult, runCommand } from './command.ts'
import type { Interpreter } from './interpreter.ts'
import { describe, installPhase } from './install-phase.ts'
import { hasHashes, packagesOf } from './requirements.ts'

export interface InstallOptions {
  readonly env: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  report?(detail: string): void
}

/** @throws PrepareError with the end of what the installer said */
export const buildEnvironment = async (
  folder: string,
  interpreter: Interpreter,
  requirements: readonly string[],
  options: InstallOptions,
): Promise<void> => {
  const run = (argv: readonly string[], cwd?: string) =>
    runCommand(argv, {
      ...(cwd && { cwd }),
      env: options.env,
      signal: options.signal,
      onLine: (line) => {
        const phase = installPhase(line)
        if (phase) options.report?.(phase)
      },
    })
  const uv = Bun.which('uv', { PATH: options.env['PATH'] ?? '' })
  const nothing = packagesOf(requirements).length === 0
  const ownPip = !nothing && !uv && !canReach(interpreter.pip)
  const venv = [interpreter.path, '-I', '-m', 'venv', ...(ownPip ? [] : ['--without-pip']), folder]
  options.report?.(`making an environment of Python ${interpreter.version}`)
  must(await run(venv), 'the Python environment could not be made')
  if (!nothing) {
    const list = join(folder, 'requirements.txt')
    await writeFile(list, `${requirements.join('\n')}\n`)
    options.report?.(`installing ${describe(requirements)}`)
    const hashes = hasHashes(requirements) ? ['--require-hashes'] : []
    const argv = uv
      ? uvInstall(uv, folder)
      : pipInstall(ownPip ? environmentPython(folder) : interpreter.path, folder, ownPip)
    // Names without a folder must not be found in a folder of the node's.
    const result = await run([...argv, ...hashes, '--requirement', list], folder)
    must(result, 'the packages could not be installed')
  }
  // Jobs share it: one must not change it under another.
  await run(['chmod', '-R', 'a-w', folder])
  // What the record will promise must be on the disk before it.
  await run(['sync', '-f', folder])
}

/** From 22.3 on pip installs into another environment than its own. */
const canReach = (pip: string | null): boolean => {
  const [major = 0, minor = 0] = (pip ?? '').split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 3)
}

const pipInstall = (python: string, folder: string, own: boolean): string[] => [
  ...[python, '-m', 'pip', ...(own ? [] : ['--python', environmentPython(folder)])],
  ...['install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'],
  ...['--only-binary', ':all:', '--no-warn-script-location'],
]

const uvInstall = (uv: string, folder: string): string[] => [
  ...[uv, 'pip', 'install', '--python', environmentPython(folder), '--no-progress'],
  // Copies: what a job does to its packages must not reach the cache.
  ...['--no-build', '--link-mode', 'copy', '--compile-bytecode', '--no-config'],
]

const must = ({ exitCode, tail }: CommandResult, failed: string): void => {
  if (exitCode !== 0) throw new PrepareError(`${failed}\n${tail}`)
}

/** Deletes an environment, read-only as it is, and whatever a killed installer left of one. */
export const removeEnvironment = async (
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<void> => {
  const doomed = folder.endsWith('.removed') ? folder : `${folder}.removed`
  if (doomed !== folder) await rename(folder, doomed)
  await runCommand(['chmod', '-R', 'u+w', doomed], { env })
  await runCommand(['rm', '-rf', doomed], { env })
}

export const sizeOf = async (
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<number> => {
  const { stdout } = await runCommand(['du', '-sk', folder], { env })
  return (Number.parseInt(stdout, 10) || 0) * 1024
}
