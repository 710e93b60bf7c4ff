/** A growing file as the server is to see it: masked, from any offset, with its digest. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Mask } from './mask.ts'

const digestStepBytes = 4 * 2 ** 20

export class MaskedFile {
  readonly #path: string
  readonly #mask: Mask
  #file: FileHandle | null = null
  #hasher = new Bun.CryptoHasher('sha256')
  #hashedBytes = 0

  constructor(path: string, mask: Mask) {
    this.#path = path
    this.#mask = mask
  }

  /** 0 as long as there is no file. */
  async size(): Promise<number> {
    return (await (await this.#open())?.stat())?.size ?? 0
  }

  /**
   * Up to `maxBytes` masked bytes from `offset` on. While the file grows, bytes at its end that
   * may turn out to be the beginning of a secret are held back; `isFinal` says it grows no more.
   */
  async read(offset: number, maxBytes: number, isFinal: boolean): Promise<Uint8Array<ArrayBuffer>> {
    const { reachBytes } = this.#mask
    const file = await this.#open()
    const from = Math.max(0, offset - reachBytes)
    const window = file
      ? await readFully(file, from, offset - from + maxBytes + reachBytes)
      : new Uint8Array()
    const certain = isFinal ? window.length : this.#mask.certain(window)
    const end = Math.min(certain, offset - from + maxBytes)
    if (end <= offset - from) return new Uint8Array()
    const bytes = this.#mask.apply(window).subarray(offset - from, end)
    this.#hash(offset, bytes)
    return bytes
  }

  /** Of the whole masked file; only once it grows no more. */
  async digest(): Promise<string> {
    const size = await this.size()
    while (this.#hashedBytes < size) await this.read(this.#hashedBytes, digestStepBytes, true)
    return this.#hasher.copy().digest('hex')
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = null
  }

  #hash(offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    const skip = this.#hashedBytes - offset
    if (skip < 0 || skip >= bytes.length) return
    this.#hasher.update(bytes.subarray(skip))
    this.#hashedBytes = offset + bytes.length
  }

  async #open(): Promise<FileHandle | null> {
    try {
      this.#file ??= await open(this.#path, 'r')
      return this.#file
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
  }
}

/** Up to `maxBytes` from `from` on, fewer only at the end of the file. */
const readFully = async (
  file: FileHandle,
  from: number,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  const left = (await file.stat()).size - from
  const buffer = new Uint8Array(Math.max(0, Math.min(maxBytes, left)))
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, from + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
