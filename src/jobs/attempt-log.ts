/** The bytes that an attempt writes, kept as they come: what a store of them must do. */
import { HearthError } from '../kernel/errors.ts'
import type { Database } from '../storage/database.ts'
import { fileStore } from './attempt-log-files.ts'
import { rowStore } from './attempt-log-rows.ts'

export type StreamName = 'log' | 'events'

/** One stream of one attempt. */
export interface StreamKey {
  readonly jobId: string
  readonly attempt: number
  readonly stream: StreamName
}

export type ByteSource = ReadableStream<Uint8Array> | Uint8Array

/** Bytes before `offset` are missing, or the stream is sealed. */
export class StreamOffsetError extends Error {
  override readonly name = 'StreamOffsetError'
  readonly size: number
  constructor(size: number) {
    super(`The stream goes on at byte ${size}`)
    this.size = size
  }
}

export const streamNames: readonly StreamName[] = ['log', 'events']

export type StreamSizes = Readonly<Record<StreamName, number>>

/**
 * Bytes are added piece by piece, each at its place: two writers of the same bytes, after a
 * connection that broke unnoticed, do no harm to each other.
 */
export interface ByteStore {
  size(key: StreamKey): Promise<number>
  sizes(jobId: string, attempt: number): Promise<StreamSizes>
  /**
   * Adds what of the piece lies beyond the end; answers the new size.
   * @throws StreamOffsetError
   */
  write(key: StreamKey, offset: number, piece: Uint8Array): Promise<number>
  /** At most `end - start` bytes from `start`, in bounded pieces. */
  read(key: StreamKey, start: number, end: number): AsyncIterable<Uint8Array>
  /** SHA-256 of the whole stream, where it is known without reading all of it again. */
  digest(key: StreamKey): Promise<string | null>
  /** Makes sure that a power cut loses nothing of what was written. */
  sync(key: StreamKey): Promise<void>
  /** Nothing is added to an attempt any more; answers what it left. */
  seal(jobId: string, attempt: number): Promise<StreamSizes>
  /** Drops the bytes, so that they can be sent again. */
  reset(key: StreamKey): Promise<void>
  /** Drops all streams of a job. */
  remove(jobId: string): Promise<void>
  close(): Promise<void>
}

/**
 * Files beside the embedded database; rows where several servers share one, so that each of them
 * can read and go on with every stream.
 */
export const openByteStore = (db: Database, dataDir: string): ByteStore =>
  db.dialect === 'postgres' ? rowStore(db) : fileStore(dataDir)

/** Pieces that a writer hands over at once: large ones are split, small ones gathered. */
const pieceBytes = 1024 * 1024

export interface AppendOptions {
  /** Called after each piece with how far the stream now is. */
  readonly written?: (from: number, size: number) => void
  readonly maxBytes?: number
}

/** Adds a whole source in constant memory. What arrived stays when the source breaks. */
export const appendStream = async (
  store: ByteStore,
  key: StreamKey,
  offset: number,
  bytes: ByteSource,
  options: AppendOptions = {},
): Promise<number> => {
  let size = await store.size(key)
  if (offset > size) throw new StreamOffsetError(size)
  let at = offset
  for await (const piece of piecesOf(bytes)) {
    if (at + piece.length > (options.maxBytes ?? Infinity)) {
      throw new HearthError('too_large', `A ${key.stream} takes ${options.maxBytes} bytes`)
    }
    const from = size
    size = await store.write(key, at, piece)
    at += piece.length
    if (size > from) options.written?.(from, size)
  }
  return size
}

async function* piecesOf(bytes: ByteSource): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array) {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
    return
  }
  for await (const chunk of bytes) {
    if (chunk.length <= pieceBytes) yield chunk
    else yield* piecesOf(chunk)
  }
}
