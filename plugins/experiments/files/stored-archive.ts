/** Lets the reader of archives read one where it is stored, without a copy on disk. */
import { Readable } from 'node:stream'
import { RandomAccessReader } from 'yauzl'
import type { Blobs } from '../../../src/sdk.ts'
import type { KeptFile } from '../journal/node.ts'

/** The list of entries is read in hundreds of small pieces that lie side by side. */
const windowBytes = 65_536

export class StoredArchive extends RandomAccessReader {
  readonly #blobs: Blobs
  readonly #archive: KeptFile
  #window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }

  constructor(blobs: Blobs, archive: KeptFile) {
    super()
    this.#blobs = blobs
    this.#archive = archive
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#chunks(start, end), { objectMode: false })
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    this.#slice(position, length).then(
      (bytes) => {
        bytes.copy(buffer, offset)
        done(null)
      },
      (error: Error) => done(error),
    )
  }

  async #slice(position: number, length: number): Promise<Buffer> {
    const { start, bytes } = this.#window
    const from = position - start
    if (from >= 0 && from + length <= bytes.length) return bytes.subarray(from, from + length)
    const end = Math.min(this.#archive.sizeBytes, position + Math.max(length, windowBytes))
    const chunks: Buffer[] = []
    for await (const chunk of this.#chunks(position, end)) chunks.push(chunk)
    this.#window = { start: position, bytes: Buffer.concat(chunks) }
    if (this.#window.bytes.length < length) throw new Error('The archive ends too early')
    return this.#window.bytes.subarray(0, length)
  }

  async *#chunks(start: number, end: number): AsyncGenerator<Buffer> {
    const bytes = await this.#blobs.get(this.#archive.sha256, { start, end })
    if (!bytes) throw new Error('The archive is no longer stored')
    for await (const chunk of bytes) yield Buffer.from(chunk)
  }
}
