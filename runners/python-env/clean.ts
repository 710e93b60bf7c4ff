/** Removes environments that no job uses: the old ones, and the least used beyond a size. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cacheFiles, isUsed, readRecord } from './cache-files.ts'
import { installerEnv } from './environment.ts'
import { tryLock } from './file-lock.ts'
import { removeEnvironment } from './install.ts'

export interface CleanOptions {
  readonly maxAgeMs: number
  readonly maxBytes: number
  readonly nowMs?: number
}

/** Answers the keys of what was removed; what is being built or used is left alone. */
export const cleanEnvironments = async (
  folder: string,
  { maxAgeMs, maxBytes, nowMs = Date.now() }: CleanOptions,
): Promise<string[]> => {
  const cacheDir = resolve(folder)
  const env = installerEnv(process.env)
  const names = await readdir(cacheDir).catch(() => [])
  const keys = new Set(names.flatMap((name) => /^[0-9a-f]{32}(?=[-.])/.exec(name)?.[0] ?? []))
  const known = await Promise.all(
    [...keys].map(async (key) => {
      const files = cacheFiles(cacheDir, key)
      const [record, info] = [
        await readRecord(cacheDir, files),
        await stat(files.record).catch(() => null),
      ]
      return {
        key,
        files,
        sizeBytes: record?.sizeBytes ?? 0,
        usedMs: record ? (info?.mtimeMs ?? 0) : 0,
      }
    }),
  )
  let totalBytes = known.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const removed: string[] = []
  for (const { key, files, sizeBytes, usedMs } of known.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (nowMs - usedMs <= maxAgeMs && totalBytes <= maxBytes) continue
    using lock = tryLock(files.lock)
    if (!lock || (await isUsed(files))) continue
    // The record first: from then on nobody takes it for whole.
    await rm(files.record, { force: true })
    for (const name of names) {
      if (name.startsWith(`${key}-`)) await removeEnvironment(join(cacheDir, name), env)
    }
    await rm(files.failure, { force: true })
    await rm(files.uses, { recursive: true, force: true })
    await rm(files.lock, { force: true })
    totalBytes -= sizeBytes
    removed.push(key)
  }
  return removed
}
