/** Streams of attempts as files: as fast as the disk, and readable by any tool. */
import { statSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { onDisk, syncFolder } from '../storage/blob-file.ts'
import {
  type ByteStore,
  type StreamKey,
  streamNames,
  StreamOffsetError,
  type StreamSizes,
} from './attempt-log.ts'

/** Files kept open between writes; the least recently written are closed first. */
const maxOpen = 256

const readBytes = 256 * 1024

/** What this process knows of a stream that it writes: nobody else writes it. */
interface OpenStream {
  readonly path: string
  readonly file: FileHandle
  size: number
  sealed: boolean
  /** Of all that was written; null where this process did not see all of it. */
  hasher: Bun.CryptoHasher | null
}

interface Entry {
  readonly stream: Promise<OpenStream>
  /** The work on it, one after another. */
  turn: Promise<unknown>
  /** Work that is not done; the file stays open for it. */
  users: number
}

/** Checked once more where it becomes a path. */
const jobFolder = (jobId: string): string => {
  if (/^[a-z0-9]{1,40}$/.test(jobId)) return jobId
  throw new Error(`Not a job id: ${JSON.stringify(jobId)}`)
}

const nameOf = ({ jobId, attempt, stream }: StreamKey): string =>
  join(jobFolder(jobId), String(attempt), stream)

const newHasher = () => new Bun.CryptoHasher('sha256')

const openStream = async (path: string): Promise<OpenStream> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a+', 0o600)
  const { size } = await file.stat()
  return { path, file, size, sealed: false, hasher: size === 0 ? newHasher() : null }
}

const closeEntry = async (entry: Entry): Promise<void> => {
  await entry.turn
  const stream = await entry.stream.catch(() => null)
  await stream?.file.close()
}

/**
 * A file's own size is the truth, so nothing can disagree with it. Pieces are handed to the
 * operating system and not flushed: whoever sent them keeps them until `finish`, which flushes.
 */
export const fileStore = (dataDir: string): ByteStore => {
  const folder = join(dataDir, 'jobs')
  const entries = new Map<string, Entry>()
  /** One at a time is enough: each covers all that was made before it began. */
  const syncRoot = oneByOne(() => syncFolder(folder))

  const entryOf = (key: StreamKey): Entry => {
    const name = nameOf(key)
    const known = entries.get(name)
    if (known) return known
    const stream = onDisk(() => openStream(join(folder, name)))
    const entry = { stream, turn: Promise.resolve(), users: 0 }
    stream.catch(() => entries.delete(name))
    entries.set(name, entry)
    if (entries.size > maxOpen) closeIdle()
    return entry
  }

  /** The first to go are those that were opened first. */
  const closeIdle = (): void => {
    for (const [name, entry] of entries) {
      if (entries.size <= maxOpen) return
      if (entry.users > 0) continue
      entries.delete(name)
      void closeEntry(entry)
    }
  }

  /** One after another, each seeing the size that the one before it left. */
  const inTurn = <T>(key: StreamKey, work: (stream: OpenStream) => Promise<T>): Promise<T> => {
    const entry = entryOf(key)
    entry.users++
    const result = entry.turn.then(async () => {
      const stream = await entry.stream
      return onDisk(() => work(stream))
    })
    const done = (): void => {
      entry.users--
    }
    entry.turn = result.then(done, done)
    return result
  }

  const sizeOf = async (key: StreamKey): Promise<number> => {
    const known = entries.get(nameOf(key))
    if (known) return (await known.stream).size
    // A call that the kernel answers from memory: cheaper than a turn of the thread pool.
    return statSync(join(folder, nameOf(key)), { throwIfNoEntry: false })?.size ?? 0
  }

  const sizesOf = async (jobId: string, attempt: number): Promise<StreamSizes> => ({
    log: await sizeOf({ jobId, attempt, stream: 'log' }),
    events: await sizeOf({ jobId, attempt, stream: 'events' }),
  })

  return {
    size: sizeOf,
    sizes: sizesOf,
    write: (key, offset, piece) =>
      inTurn(key, async (stream) => {
        if (offset > stream.size) throw new StreamOffsetError(stream.size)
        const fresh = piece.subarray(stream.size - offset)
        if (fresh.length === 0) return stream.size
        if (stream.sealed) throw new StreamOffsetError(stream.size)
        try {
          await appendFully(stream.file, fresh)
          stream.hasher?.update(fresh)
          stream.size += fresh.length
        } catch (error) {
          stream.hasher = null
          // Part of it may be there, when the disk is full: the file tells.
          stream.size = (await stream.file.stat()).size
          throw error
        }
        return stream.size
      }),
    async *read(key, start, end) {
      const upTo = Math.min(end, await sizeOf(key))
      if (start >= upTo) return
      const file = await open(join(folder, nameOf(key)), 'r')
      try {
        for (let at = start; at < upTo;) {
          const buffer = new Uint8Array(Math.min(readBytes, upTo - at))
          const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
          if (bytesRead === 0) return
          yield buffer.subarray(0, bytesRead)
          at += bytesRead
        }
      } finally {
        await file.close()
      }
    },
    async digest(key) {
      if (!entries.has(nameOf(key))) return null
      return inTurn(key, async ({ hasher }) => hasher?.copy().digest('hex') ?? null)
    },
    sync: (key) =>
      inTurn(key, async ({ file, path }) => {
        const own = [dirname(path), dirname(dirname(path))]
        // At the same time: file systems write many of them down at one stroke.
        await Promise.all([file.sync(), syncRoot(), ...own.map(syncFolder)])
      }),
    async seal(jobId, attempt) {
      for (const stream of streamNames) {
        const key = { jobId, attempt, stream }
        // Closed, it is written by nobody any more.
        if (!entries.has(nameOf(key))) continue
        await inTurn(key, async (open) => {
          open.sealed = true
        })
      }
      return sizesOf(jobId, attempt)
    },
    reset: (key) =>
      inTurn(key, async (stream) => {
        await stream.file.truncate(0)
        stream.size = 0
        stream.hasher = newHasher()
      }),
    async remove(jobId) {
      const own = [...entries].filter(([name]) => name.startsWith(`${jobId}/`))
      for (const [name] of own) entries.delete(name)
      await Promise.all(own.map(([, entry]) => closeEntry(entry)))
      await rm(join(folder, jobFolder(jobId)), { recursive: true, force: true })
    },
    async close() {
      const all = [...entries.values()]
      entries.clear()
      await Promise.all(all.map(closeEntry))
    },
  }
}

/** Runs begin one after another; calls that wait for the next one share it. */
const oneByOne = (run: () => Promise<void>): (() => Promise<void>) => {
  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= current
      .catch(() => undefined)
      .then(() => {
        current = next as Promise<void>
        next = undefined
        return run()
      })
    return next
  }
}

const appendFully = async (file: FileHandle, piece: Uint8Array): Promise<void> => {
  for (let done = 0; done < piece.length;) {
    done += (await file.write(piece, done, piece.length - done)).bytesWritten
  }
}
