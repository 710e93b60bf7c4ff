/** Puts one artifact where it belongs below a folder, whatever its name tries, and only whole. */
import { chmod, lstat, mkdir, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { download, type FetchBlob } from '../../runners/workspace/download.ts'
import { PrepareError } from '../../runners/workspace/prepare-error.ts'
import { workPath } from '../../runners/workspace/work-path.ts'
import { type Api, ApiError, UnreachableError } from './api.ts'
import { Refusal } from './client-verb.ts'
import { persist } from './persist.ts'

export interface ArtifactView {
  readonly path: string
  readonly sha256: string
  readonly size: number
}

export interface Landed {
  readonly path: string
  readonly kind: 'fetched' | 'present'
}

export class Landing {
  readonly #folder: string
  readonly #force: boolean

  constructor(folder: string, force: boolean) {
    this.#folder = folder
    this.#force = force
  }

  /** @throws Refusal */
  async fetch(
    api: Api,
    jobId: string,
    artifact: ArtifactView,
    onBytes: (count: number) => void,
  ): Promise<Landed> {
    const { path, sha256, size } = artifact
    if (workPath(path) !== path) throw new Refusal(`${JSON.stringify(path)} is no safe name`)
    const target = join(this.#folder, path)
    await this.#makeFolders(path)
    if (await this.#isThere(target, artifact)) return { path: target, kind: 'present' }
    const partial = join(dirname(target), `.${sha256.slice(0, 16)}.hearth-part`)
    const url = `/api/jobs/${jobId}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`
    const fetchBlob = bytesOf(api, url)
    try {
      const wanted = { sha256, sizeBytes: size }
      await persist(() => away(() => download(partial, wanted, { fetchBlob, onBytes })))
    } catch (error) {
      if (error instanceof PrepareError) throw new Refusal(`${path}: ${error.message}`)
      throw error
    }
    await chmod(partial, 0o666 & ~process.umask())
    await rename(partial, target)
    return { path: target, kind: 'fetched' }
  }

  /** One after another, so that no link among them leads elsewhere. */
  async #makeFolders(path: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    let at = await realpath(this.#folder)
    for (const name of path.split('/').slice(0, -1)) {
      at = join(at, name)
      await mkdir(at).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      if ((await lstat(at)).isDirectory()) continue
      throw new Refusal(`${path} cannot be put there: ${at} is no folder`)
    }
  }

  async #isThere(target: string, { path, sha256, size }: ArtifactView): Promise<boolean> {
    const info = await lstat(target).catch(() => null)
    if (!info) return false
    if (info.isDirectory()) throw new Refusal(`${path}: there is a folder of that name`)
    if (info.isFile() && info.size === size && (await digestOf(target)) === sha256) return true
    if (!this.#force) throw new Refusal(`${target} is there and differs; --force replaces it`)
    await rm(target)
    return false
  }
}

const digestOf = async (path: string): Promise<string> => {
  const hasher = new Bun.CryptoHasher('sha256')
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk)
  return hasher.digest('hex')
}

const bytesOf =
  (api: Api, url: string): FetchBlob =>
  async (_, offset) => {
    try {
      const headers = offset > 0 ? { range: `bytes=${offset}-` } : {}
      const { status, body } = await api.fetch(url, { headers })
      return { offset: status === 206 ? offset : 0, bytes: body ?? emptyBytes() }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null
      throw error
    }
  }

async function* emptyBytes(): AsyncGenerator<Uint8Array> {}

/** A connection that broke is a server that is away for a moment. */
const away = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof ApiError || error instanceof PrepareError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (/^E[A-Z]+$/.test(code) && code !== 'ECONNRESET') throw error
    throw new UnreachableError(`The connection broke: ${(error as Error).message}`)
  }
}
