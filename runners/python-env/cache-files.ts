/** What lies in a folder of environments: built ones, who uses them, and what failed lately. */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Written once an environment is whole; an environment without a record is none. */
export interface EnvironmentRecord {
  /** Name of its folder: a virtual environment cannot be moved, so it is built where it stays. */
  readonly folder: string
  /** The installation it stands on, which programs read too. */
  readonly prefix: string
  readonly sizeBytes: number
  readonly requirements: readonly string[]
}

interface FailureRecord {
  readonly atMs: number
  readonly message: string
}

export const cacheFiles = (cacheDir: string, key: string) => ({
  lock: join(cacheDir, `${key}.lock`),
  record: join(cacheDir, `${key}.json`),
  failure: join(cacheDir, `${key}.failed.json`),
  uses: join(cacheDir, 'uses', key),
})
export type CacheFiles = ReturnType<typeof cacheFiles>

export const environmentPython = (folder: string): string => join(folder, 'bin/python')

const readJson = async <T>(path: string): Promise<T | null> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch {
    return null
  }
}

/** Null too when the environment or the installation under it is gone. */
export const readRecord = async (
  cacheDir: string,
  files: CacheFiles,
): Promise<EnvironmentRecord | null> => {
  const record = await readJson<EnvironmentRecord>(files.record)
  if (!record) return null
  const python = environmentPython(join(cacheDir, record.folder))
  return (await stat(python).catch(() => null)) ? record : null
}

export const writeRecord = async (files: CacheFiles, record: EnvironmentRecord): Promise<void> => {
  const draft = `${files.record}.tmp`
  await writeFile(draft, JSON.stringify(record), { flush: true })
  await rename(draft, files.record)
}

/** Environments are cleaned by when they were last asked for. */
export const touchRecord = (files: CacheFiles): Promise<void> => {
  const now = new Date()
  return utimes(files.record, now, now)
}

export const readFailure = async (
  files: CacheFiles,
  maxAgeMs: number,
): Promise<FailureRecord | null> => {
  const failure = await readJson<FailureRecord>(files.failure)
  const ageMs = Date.now() - (failure?.atMs ?? 0)
  return failure && ageMs >= 0 && ageMs < maxAgeMs ? failure : null
}

export const writeFailure = (files: CacheFiles, message: string): Promise<void> =>
  writeFile(files.failure, JSON.stringify({ atMs: Date.now(), message } satisfies FailureRecord))

/** A use lasts as long as the path of its user exists: nobody has to say that it is over. */
export const markUse = async (files: CacheFiles, usedBy: string): Promise<void> => {
  await mkdir(files.uses, { recursive: true })
  const name = new Bun.CryptoHasher('sha256').update(usedBy).digest('hex').slice(0, 32)
  await writeFile(join(files.uses, name), usedBy)
}

export const isUsed = async (files: CacheFiles): Promise<boolean> => {
  let used = false
  for (const name of await readdir(files.uses).catch(() => [])) {
    const mark = join(files.uses, name)
    const user = await readFile(mark, 'utf8').catch(() => '')
    if (user !== '' && (await stat(user).catch(() => null))) used = true
    else await rm(mark, { force: true })
  }
  return used
}
