/** An attempt's folder, a cache and a server of blobs that counts and misbehaves on demand. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FetchBlob } from '../../../runners/workspace/download.ts'
import { openInputCache } from '../../../runners/workspace/input-cache.ts'
import { prepareWorkspace } from '../../../runners/workspace/prepare.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import type { Assignment, Plan } from '../../../src/jobs/protocol.ts'

export const digest = (bytes: string | Uint8Array): string =>
  new Bun.CryptoHasher('sha256').update(bytes).digest('hex')

export const input = (path: string, content: string, executable = false) => ({
  path,
  sha256: digest(content),
  sizeBytes: Buffer.byteLength(content),
  executable,
})

export const blobServer = () => {
  const blobs = new Map<string, Uint8Array>()
  const requests: { sha256: string; offset: number }[] = []
  /** Bytes after which each reply breaks off; null: none does. */
  const state = { breakAfter: null as number | null, ranges: true }
  const fetchBlob: FetchBlob = async (sha256, asked) => {
    requests.push({ sha256, offset: asked })
    const blob = blobs.get(sha256)
    if (!blob) return null
    const offset = state.ranges ? asked : 0
    const rest = blob.subarray(offset)
    const cut = state.breakAfter
    const bytes = async function* () {
      for (let at = 0; at < rest.length; at += 1000) {
        if (cut !== null && at >= cut) throw new Error('connection reset')
        yield rest.subarray(at, at + 1000)
      }
    }
    return { offset, bytes: bytes() }
  }
  const put = (content: string | Uint8Array) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    blobs.set(digest(bytes), bytes)
  }
  return { blobs, requests, state, fetchBlob, put }
}

export const workspace = async (options: { maxBytes?: number } = {}) => {
  const temporary = await temporaryFolder()
  const folder = join(temporary.path, 'attempt')
  await mkdir(folder)
  const cacheFolder = join(temporary.path, 'inputs')
  const cache = await openInputCache(cacheFolder, options)
  const server = blobServer()
  return {
    folder,
    work: join(folder, 'work'),
    outside: temporary.path,
    cacheFolder,
    server,
    prepare: (
      files: NonNullable<Plan['files']>,
      checkpoint: Assignment['checkpoint'] = null,
      report?: (detail: string) => void,
    ) =>
      prepareWorkspace({
        folder,
        plan: { files },
        checkpoint,
        cache,
        fetchBlob: server.fetchBlob,
        ...(report && { report }),
      }),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  }
}
