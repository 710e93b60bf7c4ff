/** Finds the Pythons of this machine that the Python client promises to run on. */
import { Glob } from 'bun'
import { homedir } from 'node:os'
import { run } from '../../scripts/command.ts'

const oldest = 9
const newest = 14

export interface Python {
  readonly version: string
  readonly path: string
}

const versionOf = async (path: string): Promise<string | undefined> => {
  const ask = 'import sys; print("%d.%d" % sys.version_info[:2])'
  const { exitCode, output } = await run([path, '-c', ask])
  return exitCode === 0 ? output.trim() : undefined
}

/** One of each minor version from 3.9 on, oldest first. */
export const findPythons = async (): Promise<Python[]> => {
  const named = Array.from({ length: newest - oldest + 1 }, (_, n) => `python3.${oldest + n}`)
  const onPath = [...named, 'python3'].map((name) => Bun.which(name))
  const versions = new Glob('.pyenv/versions/3.*/bin/python')
  const managed = await Array.fromAsync(versions.scan({ cwd: homedir(), absolute: true })).catch(
    () => [],
  )
  const found = new Map<string, string>()
  for (const path of [...managed, ...onPath]) {
    const version = path === null ? undefined : await versionOf(path)
    if (path && version && Number(version.split('.')[1]) >= oldest && !found.has(version)) {
      found.set(version, path)
    }
  }
  return [...found]
    .map(([version, path]) => ({ version, path }))
    .sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))
}
