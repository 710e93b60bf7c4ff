/** Walks a work folder without following links, and counts the names of files in it. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CountLinks } from './output-file.ts'

export interface Found {
  /** From the work folder, with forward slashes. */
  readonly path: string
  readonly kind: 'file' | 'link' | 'other'
}

/** In the order of their names; folders that cannot be read or vanish are passed over. */
export async function* walk(work: string, under = ''): AsyncGenerator<Found> {
  const entries = await readdir(join(work, under), { withFileTypes: true }).catch(() => [])
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    if (entry.isDirectory()) yield* walk(work, path)
    else yield { path, kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other' }
  }
}

/** Looks at the whole folder, but only once and only when a file with several names turns up. */
export const linkCounter = (work: string): CountLinks => {
  let counts: Promise<ReadonlyMap<string, number>> | undefined
  return async (device, inode) => {
    counts ??= countLinks(work)
    return (await counts).get(`${device}:${inode}`) ?? 0
  }
}

const countLinks = async (work: string): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>()
  for await (const { path, kind } of walk(work)) {
    if (kind !== 'file') continue
    const info = await lstat(join(work, path)).catch(() => null)
    if (!info || info.nlink === 1) continue
    const key = `${info.dev}:${info.ino}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}
