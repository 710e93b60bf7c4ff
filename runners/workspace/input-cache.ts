/** Keeps inputs on the node by digest, so that the next job with the same files fetches none. */
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { download, type DownloadOptions, type Wanted } from './download.ts'

export interface InputCache {
  /** Larger content is not worth its second copy. */
  readonly maxFileBytes: number
  /** Path of the content, fetched if need be and safe from eviction until `release`. */
  take(wanted: Wanted, options: DownloadOptions): Promise<string>
  release(wanted: Wanted): void
  /** Forgets content that turned out to be damaged. */
  drop(sha256: string): Promise<void>
  /** Removes the least recently used until the cache is within its size. */
  trim(): Promise<void>
}

const isName = (name: string) => /^[0-9a-f]{64}(\.part)?$/.test(name)

/** The folder belongs to one process at a time: that of the agent. */
export const openInputCache = async (
  folder: string,
  { maxBytes = 20 * 2 ** 30 } = {},
): Promise<InputCache> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const maxFileBytes = Math.floor(maxBytes / 8)
  const users = new Map<string, number>()
  const fetching = new Map<string, Promise<void>>()
  /** What lay there at the last look and what came since: looking costs time with many files. */
  let totalBytes = (await list(folder)).reduce((sum, { info }) => sum + info.size, 0)
  let addedBytes = 0
  const pathOf = (sha256: string) => join(folder, sha256)

  const isThere = async ({ sha256, sizeBytes }: Wanted): Promise<boolean> => {
    const found = await stat(pathOf(sha256)).catch(() => null)
    if (found?.size !== sizeBytes) return false
    const now = new Date()
    await utimes(pathOf(sha256), now, now)
    return true
  }

  const fetchOne = async (wanted: Wanted, options: DownloadOptions): Promise<void> => {
    if (await isThere(wanted)) return
    const part = `${pathOf(wanted.sha256)}.part`
    await download(part, wanted, options)
    await rename(part, pathOf(wanted.sha256))
    addedBytes += wanted.sizeBytes
    totalBytes += wanted.sizeBytes
    if (addedBytes > maxFileBytes) await trim()
  }

  /** Two jobs with one input fetch it once; the second tries by itself when the first gave up. */
  const fetchShared = async (wanted: Wanted, options: DownloadOptions): Promise<void> => {
    const other = fetching.get(wanted.sha256)
    if (other) {
      await other.catch(() => undefined)
      return fetchShared(wanted, options)
    }
    const mine = fetchOne(wanted, options)
    fetching.set(wanted.sha256, mine)
    await mine.finally(() => fetching.delete(wanted.sha256))
  }

  const release = ({ sha256 }: Wanted): void => {
    const left = (users.get(sha256) ?? 1) - 1
    if (left > 0) users.set(sha256, left)
    else users.delete(sha256)
  }

  const trim = async (): Promise<void> => {
    addedBytes = 0
    if (totalBytes <= maxBytes) return
    const known = await list(folder)
    totalBytes = known.reduce((sum, { info }) => sum + info.size, 0)
    for (const { name, info } of known.toSorted((a, b) => a.info.mtimeMs - b.info.mtimeMs)) {
      if (totalBytes <= maxBytes) return
      if (users.has(name.slice(0, 64))) continue
      await rm(join(folder, name), { force: true })
      totalBytes -= info.size
    }
  }

  return {
    maxFileBytes,
    take: async (wanted, options) => {
      users.set(wanted.sha256, (users.get(wanted.sha256) ?? 0) + 1)
      try {
        await fetchShared(wanted, options)
      } catch (error) {
        release(wanted)
        throw error
      }
      return pathOf(wanted.sha256)
    },
    release,
    drop: (sha256) => rm(pathOf(sha256), { force: true }),
    trim,
  }
}

const list = async (folder: string) => {
  const names = (await readdir(folder)).filter(isName)
  const entries = await Promise.all(
    names.map(async (name) => ({ name, info: await stat(join(folder, name)).catch(() => null) })),
  )
  return entries.flatMap(({ name, info }) => (info ? [{ name, info }] : []))
}
