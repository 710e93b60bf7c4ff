/** Measures what folders take on disk, in blocks as the disk counts them. */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Stops counting beyond `enough`: a folder over its limit may be very large. */
export const diskBytes = (
  folders: readonly string[],
  enough = Number.POSITIVE_INFINITY,
): number => {
  const pending = [...folders]
  const linked = new Set<number>()
  let total = 0
  for (let path = pending.pop(); path !== undefined && total <= enough; path = pending.pop()) {
    try {
      const stat = lstatSync(path)
      if (stat.nlink > 1 && !stat.isDirectory()) {
        if (linked.has(stat.ino)) continue
        linked.add(stat.ino)
      }
      total += stat.blocks * 512
      if (stat.isDirectory()) pending.push(...readdirSync(path).map((name) => join(path, name)))
    } catch {
      // Removed while we looked.
    }
  }
  return total
}
