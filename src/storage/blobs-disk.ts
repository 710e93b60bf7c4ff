/** Blobs as files: `<first two digits>/<digest>`. */
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, syncFolder } from './blob-file.ts'
import type { BlobStore } from './blobs-spooled.ts'

export const diskStore = (folder: string): BlobStore => {
  const shardOf = (sha256: string) => join(folder, sha256.slice(0, 2))
  const pathOf = (sha256: string) => join(shardOf(sha256), sha256)
  return {
    // Renamed over a copy that is there already: the same bytes, or damaged ones made good.
    adopt: async (path, { sha256 }) => {
      const made = await mkdir(shardOf(sha256), { recursive: true, mode: 0o700 })
      if (made !== undefined) await syncFolder(folder)
      await rename(path, pathOf(sha256))
      await syncFolder(shardOf(sha256))
    },
    sizeOf: async (sha256) => {
      try {
        return (await stat(pathOf(sha256))).size
      } catch (error) {
        if (isMissing(error)) return null
        throw error
      }
    },
    read: (sha256, start, end) => Bun.file(pathOf(sha256)).slice(start, end).stream(),
    delete: (sha256) => rm(pathOf(sha256), { force: true }),
  }
}
