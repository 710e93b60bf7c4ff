/** Lists files the way people read folders: indented, and shortened where there are many. */
import type { KeptFile } from '../journal/node.ts'

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: string[]
}

const empty = (): Folder => ({ folders: new Map(), files: [] })

/** At most 8 files of a folder, 4 when there are more than 30 in all. */
export const fileTree = (files: readonly KeptFile[]): string => {
  const root = empty()
  for (const { path, sizeBytes } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const names = path.split('/')
    const name = names.pop()!
    let folder = root
    for (const part of names) {
      const next = folder.folders.get(part) ?? empty()
      folder.folders.set(part, next)
      folder = next
    }
    folder.files.push(`${name} (${humanBytes(sizeBytes)})`)
  }
  return lines(root, '', files.length > 30 ? 4 : 8).join('\n')
}

const lines = ({ folders, files }: Folder, indent: string, most: number): string[] => {
  const out = files.slice(0, most).map((file) => indent + file)
  if (files.length > most) out.push(`${indent}... and ${files.length - most} other files`)
  const names = [...folders.keys()]
  for (const name of names.slice(0, most)) {
    out.push(`${indent}${name}/`, ...lines(folders.get(name)!, `${indent}    `, most))
  }
  if (names.length > most) out.push(`${indent}... and ${names.length - most} other folders`)
  return out
}

export const humanBytes = (bytes: number): string => {
  if (bytes < 1000) return `${bytes} bytes`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${Number(value.toPrecision(3))} ${units[unit]}`
}
