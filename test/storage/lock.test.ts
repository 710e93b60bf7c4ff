/** The lock of a data folder holds between processes and never outlives its holder. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataDirInUseError, lockDataDir } from '../../src/storage/lock.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hearth-lock-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

const refusal = (): unknown => {
  try {
    lockDataDir(dataDir).release()
  } catch (error) {
    return error
  }
  return null
}

test('a second holder is refused, in the same process too, until the first lets go', () => {
  const lock = lockDataDir(dataDir)
  expect(refusal()).toEqual(new DataDirInUseError(dataDir, process.pid))
  lock.release()
  expect(refusal()).toBeNull()
})

test('another process is named by its pid, and kill -9 frees the folder', async () => {
  await using holder = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'lock-fixture.ts'), dataDir],
    { stdout: 'pipe' },
  )
  const output = holder.stdout.getReader()
  expect(new TextDecoder().decode((await output.read()).value)).toBe('locked\n')
  const error = refusal()
  expect(error).toEqual(new DataDirInUseError(dataDir, holder.pid))
  expect(String(error)).toContain(`in use by the process ${holder.pid}: stop it first`)
  holder.kill('SIGKILL')
  await holder.exited
  expect(refusal()).toBeNull()
})
