/** Brings files to the server by their digest: only what it lacks, going on where it was. */
import { type Api, ApiError } from './api.ts'
import { Refusal } from './client-verb.ts'
import type { LocalFile } from './folder.ts'
import { persist } from './persist.ts'

export interface DigestedFile extends LocalFile {
  readonly sha256: string
}

const atOnce = 4
const partBytes = 8 * 2 ** 20

/** Calls `work` for all items, a few at a time. */
const each = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

export const digestAll = async (
  files: readonly LocalFile[],
  onBytes: (count: number) => void,
): Promise<DigestedFile[]> => {
  const digests = new Map<string, string>()
  await each(files, async ({ source }) => {
    if (!digests.has(source)) digests.set(source, await digestOf(source, onBytes))
  })
  return files.map((file) => ({ ...file, sha256: digests.get(file.source) as string }))
}

const digestOf = async (path: string, onBytes: (count: number) => void): Promise<string> => {
  const hasher = new Bun.CryptoHasher('sha256')
  for await (const chunk of Bun.file(path).stream()) {
    hasher.update(chunk)
    onBytes(chunk.length)
  }
  return hasher.digest('hex')
}

export interface SendOptions {
  readonly onBytes: (count: number) => void
  readonly onWait: (error: Error) => void
}

/** @throws Refusal when a file changed since it was digested */
export const sendAll = (
  api: Api,
  files: readonly DigestedFile[],
  { onBytes, onWait }: SendOptions,
): Promise<void> =>
  each(files, async (file) => {
    let sent = 0
    // What is sent twice counts once; what was there counts as sent.
    const upTo = (size: number) => {
      if (size > sent) onBytes(size - sent)
      sent = Math.max(sent, size)
    }
    await persist(() => send(api, file, upTo), { onWait })
    upTo(file.sizeBytes)
  })

const send = async (
  api: Api,
  { path, source, sha256, sizeBytes }: DigestedFile,
  upTo: (size: number) => void,
): Promise<void> => {
  const url = `/api/uploads/${sha256}`
  // Small files are sent without asking: the reply tells where to go on.
  let offset = sizeBytes > partBytes ? await offsetOf(api, url, sizeBytes) : 0
  while (offset < sizeBytes) {
    upTo(offset)
    const part = Bun.file(source).slice(offset, offset + partBytes)
    if ((await Bun.file(source).stat()).size !== sizeBytes) throw changed(path)
    offset = await put(api, `${url}?offset=${offset}`, await part.arrayBuffer())
  }
  try {
    await api.json('POST', `${url}/commit`, { size: sizeBytes })
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) throw changed(path)
    throw error
  }
}

const changed = (path: string): Refusal => new Refusal(`${path} changed while it was being sent`)

const offsetOf = async (api: Api, url: string, sizeBytes: number): Promise<number> => {
  try {
    await (await api.fetch(url, { method: 'HEAD' })).body?.cancel()
    return sizeBytes
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error
    return error.size ?? 0
  }
}

/** Answers how much of the content the server has now. */
const put = async (api: Api, url: string, body: ArrayBuffer): Promise<number> => {
  try {
    const response = await api.fetch(url, { method: 'PUT', body })
    return ((await response.json()) as { size: number }).size
  } catch (error) {
    if (error instanceof ApiError && error.status === 416 && error.size !== undefined) {
      return error.size
    }
    throw error
  }
}
