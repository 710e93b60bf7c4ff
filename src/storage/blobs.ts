/** Content-addressed bytes: named by their sha256, stored once, verified. */

export interface BlobInfo {
  /** Lowercase hex. */
  readonly sha256: string
  readonly sizeBytes: number
}

export interface Blobs {
  /**
   * Stores a stream in constant memory; storing the same bytes again keeps one copy.
   * @throws DiskFullError, BlobTooLargeError (`maxBytes`), DigestMismatchError (`sha256`); nothing is kept then
   */
  put(
    bytes: ReadableStream<Uint8Array> | Uint8Array,
    expect?: { sha256?: string; maxBytes?: number },
  ): Promise<BlobInfo>
  /** The bytes, or null when unknown. `range` is half-open, in bytes. */
  get(
    sha256: string,
    range?: { start: number; end: number },
  ): Promise<ReadableStream<Uint8Array> | null>
  info(sha256: string): Promise<BlobInfo | null>
  delete(sha256: string): Promise<void>
}
