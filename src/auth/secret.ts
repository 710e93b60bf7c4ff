/** Where the key that signs tokens comes from: the configuration, or a file made on first start. */
import { chmod, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

const minBytes = 32
const fileName = 'secret.key'

/**
 * The configured key, or the one kept in `dataDir`; several servers that start at once on one
 * folder agree on one key.
 * @throws Error with a message for the operator when the key is too short
 */
export const readSecretKey = async (
  dataDir: string,
  configured?: string,
): Promise<Uint8Array<ArrayBuffer>> => {
  if (configured !== undefined) return checked(new TextEncoder().encode(configured), 'SECRET_KEY')
  const path = join(dataDir, fileName)
  const kept = await read(path)
  if (kept) return kept
  await make(dataDir, path)
  const made = await read(path)
  if (!made) throw new Error(`The key file ${path} disappeared while it was being made`)
  return made
}

const checked = (key: Uint8Array<ArrayBuffer>, source: string): Uint8Array<ArrayBuffer> => {
  if (key.length >= minBytes) return key
  throw new Error(
    `${source} has ${key.length} bytes and needs at least ${minBytes}; ` +
      'make one with: openssl rand -base64 32',
  )
}

const read = async (path: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return null
    throw error
  })
  if (text === null) return null
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600)
  return checked(new TextEncoder().encode(text.trim()), path)
}

/** Writes aside and links into place: the file is whole once it is there, and the first wins. */
const make = async (dataDir: string, path: string): Promise<void> => {
  await mkdir(dataDir, { recursive: true })
  const aside = `${path}.${crypto.randomUUID()}`
  const file = await open(aside, 'wx', 0o600)
  try {
    await file.writeFile(`${crypto.getRandomValues(new Uint8Array(minBytes)).toHex()}\n`)
    await file.sync()
    await file.close()
    await link(aside, path).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error
    })
  } finally {
    await unlink(aside)
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
