/** Blobs in memory, for tests: the same rules, nothing on disk. */
import type { BlobExpectation, BlobInfo, Blobs, BlobSource } from './blobs.ts'
import { BlobTooLargeError, DigestMismatchError, UploadOffsetError } from './errors.ts'

const collect = async (bytes: BlobSource, maxBytes = Infinity): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw new BlobTooLargeError(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export const memoryBlobs = (): Blobs => {
  const blobs = new Map<string, Uint8Array>()
  const uploads = new Map<string, Uint8Array>()

  const keep = (bytes: Uint8Array, expect: BlobExpectation): BlobInfo => {
    const sha256 = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
    const { maxBytes = Infinity } = expect
    if (bytes.length > maxBytes) throw new BlobTooLargeError(maxBytes)
    if (expect.sha256 !== undefined && expect.sha256 !== sha256) {
      throw new DigestMismatchError(expect.sha256, sha256)
    }
    blobs.set(sha256, bytes)
    return { sha256, sizeBytes: bytes.length }
  }

  const offset = async (id: string): Promise<number> => uploads.get(id)?.length ?? 0

  return {
    put: async (bytes, expect = {}) => keep(await collect(bytes, expect.maxBytes), expect),
    get: async (sha256, range) => {
      const bytes = blobs.get(sha256)
      if (!bytes) return null
      const part = bytes.slice(range?.start ?? 0, range?.end ?? bytes.length)
      return new Blob([part]).stream()
    },
    info: async (sha256) => {
      const bytes = blobs.get(sha256)
      return bytes ? { sha256, sizeBytes: bytes.length } : null
    },
    delete: async (sha256) => void blobs.delete(sha256),
    uploads: {
      offset,
      append: async (id, at, bytes, maxBytes = Infinity) => {
        const known = uploads.get(id) ?? new Uint8Array()
        if (known.length !== at) throw new UploadOffsetError(known.length)
        const whole = Buffer.concat([known, await collect(bytes, maxBytes - at)])
        uploads.set(id, whole)
        return whole.length
      },
      commit: async (id, expect = {}) => {
        const bytes = uploads.get(id)
        if (!bytes) throw new UploadOffsetError(0)
        const blob = keep(bytes, expect)
        uploads.delete(id)
        return blob
      },
      abort: async (id) => void uploads.delete(id),
    },
  }
}
