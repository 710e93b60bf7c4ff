/** Decides which paths may exist inside a work folder, whoever named them. */
import { PrepareError } from './prepare-error.ts'

const forbidden = /[\x00-\x1f\x7f\\]/
const maxNameBytes = 255
const maxPathLength = 1024

/** The path in its one form (`a/b`), or null when it may not be used. */
export const workPath = (path: string): string | null => {
  if (path.startsWith('/') || path.length > maxPathLength) return null
  if (forbidden.test(path) || !path.isWellFormed() || path.includes('\uFFFD')) return null
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.length === 0 || names.includes('..')) return null
  return names.every((name) => Buffer.byteLength(name) <= maxNameBytes) ? names.join('/') : null
}

/**
 * Checks that files can lie beside each other: each path once, none both a file and a folder.
 * @throws PrepareError
 */
export const checkPaths = <T extends { readonly path: string }>(files: readonly T[]): T[] => {
  const checked = files.map((file) => {
    const path = workPath(file.path)
    if (path === null) throw new PrepareError(`the input path ${shown(file.path)} is not allowed`)
    return { ...file, path }
  })
  const paths = new Set<string>()
  for (const { path } of checked) {
    if (paths.has(path)) throw new PrepareError(`the input ${shown(path)} is named twice`)
    paths.add(path)
  }
  for (const path of paths) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at)
      if (paths.has(folder))
        throw new PrepareError(`the input ${shown(folder)} is both a file and a folder`)
    }
  }
  return checked
}

/** A path as it may stand in a message. */
export const shown = (path: string): string => JSON.stringify(path.slice(0, 200))
