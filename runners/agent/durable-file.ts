/** Files that are there whole or not at all, also after a power cut. */
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes what was renamed into or made in a folder survive a power cut. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export const writeDurably = async (path: string, text: string, mode = 0o600): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.tmp`
  const file = await open(draft, 'w', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/** For what is written often and may be lost with the machine, but is never read in half. */
export const writeAtomically = async (path: string, text: string): Promise<void> => {
  const draft = `${path}.${process.pid}.tmp`
  await Bun.write(draft, text)
  await rename(draft, path)
}

/** The text of a file, or null when there is none. */
export const readIfThere = async (path: string): Promise<string | null> => {
  try {
    return await Bun.file(path).text()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
