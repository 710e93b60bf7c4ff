/** Opens what a program left behind, trusting neither its names nor its file system tricks. */
import { constants, existsSync } from 'node:fs'
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { readChunks, sha256 } from './file-bytes.ts'
import { isMissing } from './prepare-error.ts'
import { shown, workPath } from './work-path.ts'

/** The file is left out; the message says why, for people. */
export class OutputRefusedError extends Error {
  override readonly name = 'OutputRefusedError'
}

/** How many names a file has inside the work folder. */
export type CountLinks = (device: number, inode: number) => Promise<number>

/**
 * Opens a file inside the work folder; the real place of what was opened is checked, not its name,
 * so that a program still running cannot swap a folder for a link in between.
 * @throws OutputRefusedError
 */
export const openOutput = async (
  work: string,
  path: string,
  countLinks: CountLinks,
): Promise<FileHandle> => {
  const refuse = (why: string) => new OutputRefusedError(`${shown(path)} ${why}`)
  const name = workPath(path)
  if (name === null) throw refuse('is not a path inside the work folder')
  const root = await realpath(work)
  let file: FileHandle
  try {
    const real = await realpath(join(root, name))
    if (!real.startsWith(`${root}/`)) throw refuse('leads out of the work folder')
    if (!(await lstat(real)).isFile()) throw refuse('is not a file')
    // Not to block on what turned into a pipe meanwhile.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    file = await open(real, flags)
  } catch (error) {
    if (isMissing(error)) throw refuse('does not exist')
    if (error instanceof Error && 'code' in error) throw refuse(`cannot be read (${error.code})`)
    throw error
  }
  try {
    const info = await file.stat()
    if (!info.isFile()) throw refuse('is not a file')
    if (!(await isInside(root, join(root, name), file)))
      throw refuse('leads out of the work folder')
    if (info.nlink > 1 && (await countLinks(info.dev, info.ino)) < info.nlink)
      throw refuse('is a hard link to a file outside of the work folder')
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

const isInside = async (root: string, path: string, file: FileHandle): Promise<boolean> => {
  const own = `/proc/self/fd/${file.fd}`
  if (existsSync(own)) return (await readlink(own)).startsWith(`${root}/`)
  const real = await realpath(path)
  return real.startsWith(`${root}/`) && (await lstat(real)).ino === (await file.stat()).ino
}

export interface Snapshot {
  readonly sha256: string
  readonly sizeBytes: number
}

const attempts = 3

/** Digest of the file as it was at one moment; null when it kept changing while it was read. */
export const snapshotOf = async (file: FileHandle): Promise<Snapshot | null> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = await file.stat({ bigint: true })
    const hasher = sha256()
    const size = await readChunks(file, (chunk) => {
      hasher.update(chunk)
    })
    const after = await file.stat({ bigint: true })
    const same = before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs
    if (same && BigInt(size) === after.size) {
      return { sha256: hasher.digest('hex'), sizeBytes: size }
    }
  }
  return null
}
