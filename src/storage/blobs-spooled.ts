/** Blobs over any store: bytes arrive in a file, are verified there, then handed over whole. */
import { exists, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFile, isMissing, onDisk, writeStream } from './blob-file.ts'
import type { BlobExpectation, BlobInfo, Blobs, BlobSource, Uploads } from './blobs.ts'
import { BlobTooLargeError, DigestMismatchError, UploadOffsetError } from './errors.ts'

/** Where verified blobs stay. A `sha256` that comes here is well formed. */
export interface BlobStore {
  /** Takes over a file that is on disk already; the blob is stored when it resolves. */
  adopt(path: string, blob: BlobInfo): Promise<void>
  sizeOf(sha256: string): Promise<number | null>
  read(sha256: string, start: number, end: number): ReadableStream<Uint8Array>
  delete(sha256: string): Promise<void>
}

const uploadLifetimeMs = 7 * 24 * 60 * 60 * 1000

const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

const verify = (blob: BlobInfo, expect: BlobExpectation): void => {
  const { sha256, maxBytes } = expect
  if (maxBytes !== undefined && blob.sizeBytes > maxBytes) throw new BlobTooLargeError(maxBytes)
  if (sha256 !== undefined && sha256 !== blob.sha256) {
    throw new DigestMismatchError(sha256, blob.sha256)
  }
}

/** Removes what a crash left behind: parts of single puts, and uploads that nobody continues. */
const sweep = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const isOld = async () => (await stat(path)).mtimeMs < Date.now() - uploadLifetimeMs
    if (name.startsWith('put-') || (await isOld())) await rm(path, { force: true })
  }
}

const spooledUploads = (folder: string, store: BlobStore): Uploads => {
  const busy = new Set<string>()

  const pathOf = (id: string): string => {
    if (!/^[\w-]{1,100}$/.test(id)) throw new Error(`Not an upload id: ${JSON.stringify(id)}`)
    return join(folder, `upload-${id}`)
  }

  const offset = async (id: string): Promise<number> => {
    try {
      return (await stat(pathOf(id))).size
    } catch (error) {
      if (isMissing(error)) return 0
      throw error
    }
  }

  /** One at a time per upload; whoever comes in between is told where the upload stands. */
  const alone = async <T>(id: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = pathOf(id)
    if (busy.has(id)) throw new UploadOffsetError(await offset(id))
    busy.add(id)
    try {
      return await onDisk(() => work(path))
    } finally {
      busy.delete(id)
    }
  }

  return {
    offset,
    append: (id, at, bytes, maxBytes) =>
      alone(id, async (path) => {
        const known = await offset(id)
        if (known !== at) throw new UploadOffsetError(known)
        const file = await open(path, at === 0 ? 'w' : 'r+', 0o600)
        try {
          return await writeStream(file, bytes, at, { maxBytes })
        } catch (error) {
          if (error instanceof BlobTooLargeError) await file.truncate(at)
          throw error
        } finally {
          await file.close()
        }
      }),
    commit: (id, expect = {}) =>
      alone(id, async (path) => {
        if (!(await exists(path))) throw new UploadOffsetError(0)
        const blob = await digestFile(path)
        verify(blob, expect)
        await store.adopt(path, blob)
        return blob
      }),
    abort: (id) => alone(id, (path) => rm(path, { force: true })),
  }
}

/** `folder` holds what arrives; for a store on disk it must be on the same file system. */
export const spooledBlobs = async (folder: string, store: BlobStore): Promise<Blobs> => {
  await onDisk(() => mkdir(folder, { recursive: true, mode: 0o700 }))
  await sweep(folder)

  const receive = async (path: string, bytes: BlobSource, expect: BlobExpectation) => {
    const hasher = new Bun.CryptoHasher('sha256')
    const file = await open(path, 'wx', 0o600)
    try {
      const onChunk = (chunk: Uint8Array) => hasher.update(chunk)
      const sizeBytes = await writeStream(file, bytes, 0, { maxBytes: expect.maxBytes, onChunk })
      return { sha256: hasher.digest('hex'), sizeBytes }
    } finally {
      await file.close()
    }
  }

  const info = async (sha256: string): Promise<BlobInfo | null> => {
    const sizeBytes = isDigest(sha256) ? await store.sizeOf(sha256) : null
    return sizeBytes === null ? null : { sha256, sizeBytes }
  }

  return {
    info,
    put: async (bytes, expect = {}) => {
      const path = join(folder, `put-${crypto.randomUUID()}`)
      try {
        return await onDisk(async () => {
          const blob = await receive(path, bytes, expect)
          verify(blob, expect)
          await store.adopt(path, blob)
          return blob
        })
      } finally {
        await rm(path, { force: true })
      }
    },
    get: async (sha256, range) => {
      const blob = await info(sha256)
      if (!blob) return null
      const start = range?.start ?? 0
      const end = Math.min(range?.end ?? blob.sizeBytes, blob.sizeBytes)
      return start < end ? store.read(sha256, start, end) : new Blob().stream()
    },
    delete: async (sha256) => {
      if (isDigest(sha256)) await store.delete(sha256)
    },
    uploads: spooledUploads(folder, store),
  }
}
