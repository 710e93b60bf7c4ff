/** How to start this same program again: for what must run on when the one who began it is gone. */
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Compiled it is the binary; from source, what Bun runs. */
export const ownProgram = (): string[] =>
  import.meta.dir.startsWith('/$bunfs') || import.meta.dir.startsWith('B:')
    ? [process.execPath]
    : [process.execPath, '--smol', join(import.meta.dir, '../src/main.ts')]

/** A folder for PATH with `hearth` in it: kinds of jobs that are part of this program need it. */
export const launcherFolder = async (stateDir: string): Promise<string> => {
  const folder = join(stateDir, 'bin')
  const words = ownProgram().filter((word) => word !== '--smol')
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const draft = join(folder, `hearth.${crypto.randomUUID()}`)
  await mkdir(folder, { recursive: true, mode: 0o755 })
  await writeFile(draft, `#!/bin/sh\nexec ${quoted} "$@"\n`)
  await chmod(draft, 0o755)
  await rename(draft, join(folder, 'hearth'))
  return folder
}
