/** Brings a growing file of an attempt to the server, byte for byte, whatever happens. */
import type { Clock } from '../../src/sdk.ts'
import { GoneError, UnreachableError } from './answers.ts'
import type { MaskedFile } from './masked-file.ts'
import { Backoff, pause } from './pause.ts'

export interface StreamUploadOptions {
  readonly file: MaskedFile
  /** Sends bytes; answers the size the server has then. */
  append(offset: number, bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<number>
  readonly clock: Clock
  readonly random: () => number
}

/** Big enough for 200 MB/s, small enough for many attempts at once. */
const chunkBytes = 4 * 2 ** 20
/** The first piece only asks how much the server has: after a restart it may be all. */
const firstBytes = 64 * 2 ** 10
/** At least this long between two uploads, so that a chatty program costs 20 requests a second. */
const coalesceMs = 50
const minLookMs = 4
const maxLookMs = 100

export class StreamUpload {
  readonly #options: StreamUploadOptions
  readonly #backoff: Backoff
  #offset = 0
  #isFirst = true
  #ahead: { readonly offset: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null

  constructor(options: StreamUploadOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
  }

  /** Sends what comes until `signal` aborts. Rejects only when the attempt is gone. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    let freshAt = clock.now()
    while (!signal.aborted) {
      const waitMs = await this.#attempt(async () => {
        const sentBytes = await this.#sendSome(false, signal)
        if (sentBytes === 0) return lookAgainMs(clock.now() - freshAt)
        freshAt = clock.now()
        return sentBytes >= chunkBytes ? 0 : coalesceMs
      }, signal)
      if (waitMs > 0) await pause(clock, waitMs, signal)
    }
  }

  /** Sends all that is left, once the file grows no more. Rejects when gone, or by `signal`. */
  async drain(signal: AbortSignal): Promise<void> {
    const { clock, file } = this.#options
    while (this.#offset < (await file.size())) {
      signal.throwIfAborted()
      const waitMs = await this.#attempt(async () => {
        await this.#sendSome(true, signal)
        return 0
      }, signal)
      if (waitMs > 0) await pause(clock, waitMs, signal)
    }
  }

  /** The server said how much it has. */
  rewind(offset: number): void {
    this.#offset = offset
  }

  async summary(): Promise<{ size: number; sha256: string }> {
    const { file } = this.#options
    return { size: await file.size(), sha256: await file.digest() }
  }

  async #take(isFinal: boolean): Promise<Uint8Array<ArrayBuffer>> {
    const ahead = this.#ahead
    this.#ahead = null
    if (ahead?.offset === this.#offset && ahead.bytes.length > 0) return ahead.bytes
    return this.#options.file.read(this.#offset, this.#isFirst ? firstBytes : chunkBytes, isFinal)
  }

  /** Reading, masking and hashing go on while the network is busy. */
  async #readAhead(offset: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#options.file.read(offset, chunkBytes, false).catch(() => new Uint8Array())
  }

  async #attempt(work: () => Promise<number>, signal: AbortSignal): Promise<number> {
    try {
      const waitMs = await work()
      this.#backoff.succeeded()
      return waitMs
    } catch (error) {
      if (error instanceof GoneError) throw error
      return signal.aborted ? 0 : this.#backoff.failedMs()
    }
  }

  async #sendSome(isFinal: boolean, signal: AbortSignal): Promise<number> {
    const { file, append } = this.#options
    const bytes = await this.#take(isFinal)
    if (bytes.length === 0) return 0
    const sending = append(this.#offset, bytes, signal)
    const ahead = bytes.length === chunkBytes ? this.#readAhead(this.#offset + chunkBytes) : null
    const size = await sending
    if (size === this.#offset) throw new UnreachableError(`The server stays at byte ${size}`)
    this.#isFirst = false
    this.#ahead = ahead && { offset: this.#offset + chunkBytes, bytes: await ahead }
    // A server that has more than there is was told by another life of this file: finish decides.
    this.#offset = Math.min(size, await file.size())
    return bytes.length
  }
}

/** The longer nothing came, the less often to look; the first bytes are found at once. */
const lookAgainMs = (idleMs: number): number => Math.min(maxLookMs, Math.max(minLookMs, idleMs / 8))
