/** Takes an uploaded archive apart, and nothing out of it that could do harm. */
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl'
import type { Blobs } from '../../../src/sdk.ts'
import { badRequest } from '../errors.ts'
import type { KeptFile } from '../journal/node.ts'
import { safeName } from './names.ts'
import { StoredArchive } from './stored-archive.ts'

/** What all archives of one experiment may come to together: used up as they are unpacked. */
export interface UnzipBudget {
  entries: number
  bytes: number
}

export const unzipBudget = (): UnzipBudget => ({ entries: 10_000, bytes: 4 * 2 ** 30 })

/** A small archive may be a large file; a thousandfold is a bomb. */
const maxRatio = 1_000
const maxPathBytes = 1_000

const left = /(^|\/)(__MACOSX\/|\.DS_Store$|Thumbs\.db$)/

/**
 * Tells `keep` of every file as soon as its bytes are stored, also when a later one is refused.
 * @throws HearthError `bad_request` for what is no archive, and for one that is dangerous
 */
export const unzip = async (
  blobs: Blobs,
  archive: KeptFile,
  budget: UnzipBudget,
  keep: (file: KeptFile) => void,
): Promise<void> => {
  if (!(await blobs.info(archive.sha256))) throw badRequest(`${archive.path} is no longer stored`)
  const reader = new StoredArchive(blobs, archive)
  const options = { lazyEntries: true, autoClose: false }
  const opened = fromRandomAccessReaderPromise(reader, archive.sizeBytes, options)
  const zip = await opened.catch(() => {
    throw badRequest(`${archive.path} is not a zip archive`)
  })
  try {
    await unpack(zip, { blobs, archive, budget, keep })
  } finally {
    zip.close()
  }
}

interface Unpacking {
  readonly blobs: Blobs
  readonly archive: KeptFile
  readonly budget: UnzipBudget
  readonly keep: (file: KeptFile) => void
}

const unpack = async (zip: ZipFile, { blobs, archive, budget, keep }: Unpacking) => {
  budget.entries -= zip.entryCount
  if (budget.entries < 0) throw badRequest(`${archive.path} holds too many files`)
  const paths = new Set<string>()
  for await (const entry of read(zip, archive)) {
    if (entry.fileName.endsWith('/') || left.test(entry.fileName)) continue
    const path = pathOf(entry, archive)
    if (paths.has(path)) throw badRequest(`${archive.path} names ${path} twice`)
    paths.add(path)
    budget.bytes -= entry.uncompressedSize
    const isBomb = entry.uncompressedSize > maxRatio * Math.max(1024, entry.compressedSize)
    if (budget.bytes < 0 || isBomb) throw badRequest(`${archive.path} unpacks to too much`)
    keep({ path, ...(await store(zip, entry, blobs, archive)) })
  }
}

async function* read(zip: ZipFile, archive: KeptFile): AsyncGenerator<Entry> {
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<Entry | null>()
    const entry = (one: Entry) => resolve(one)
    const end = () => resolve(null)
    // Absolute names and `..` are among what the reader of archives refuses.
    const error = () =>
      reject(badRequest(`${archive.path} is broken, or names files outside of it`))
    zip.once('entry', entry).once('end', end).once('error', error)
    zip.readEntry()
    try {
      const next = await promise
      if (!next) return
      yield next
    } finally {
      zip.off('entry', entry).off('end', end).off('error', error)
    }
  }
}

const symlink = 0o120000
const fileKind = 0o170000

const pathOf = (entry: Entry, archive: KeptFile): string => {
  const mode = entry.externalFileAttributes >>> 16
  if ((mode & fileKind) === symlink) {
    throw badRequest(`${archive.path} holds a link: ${safeName(entry.fileName)}`)
  }
  const parts = entry.fileName.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || entry.fileName.startsWith('/') || parts.length === 0) {
    throw badRequest(`${archive.path} names a file outside of it`)
  }
  const path = parts.map(safeName).join('/')
  if (Buffer.byteLength(path) <= maxPathBytes) return path
  throw badRequest(`${archive.path} holds a path of more than ${maxPathBytes} bytes`)
}

/** The bytes of an entry, kept only when they are as long and as sound as the archive says. */
const store = async (zip: ZipFile, entry: Entry, blobs: Blobs, archive: KeptFile) => {
  const stream = await zip.openReadStreamPromise(entry).catch(() => {
    throw badRequest(`${archive.path} cannot be read: is it encrypted?`)
  })
  let isSound = true
  const broken = (): Error => {
    isSound = false
    return badRequest(`${archive.path} is broken: ${safeName(entry.fileName)}`)
  }
  try {
    return await blobs.put(checked(stream, entry, broken))
  } catch (error) {
    // What storing itself runs into, a full disk say, is not the archive's fault.
    throw isSound ? error : broken()
  }
}

const checked = (
  stream: Readable,
  entry: Entry,
  broken: () => Error,
): ReadableStream<Uint8Array> => {
  const chunks = stream[Symbol.asyncIterator]()
  let sum = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next().catch(() => null)
        if (!next) return controller.error(broken())
        if (next.done) {
          return sum === entry.crc32 ? controller.close() : controller.error(broken())
        }
        sum = crc32(next.value, sum)
        controller.enqueue(new Uint8Array(next.value))
      },
      cancel: () => {
        stream.destroy()
      },
    },
    { highWaterMark: 0 },
  )
}
