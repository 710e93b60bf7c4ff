/** Places the inputs of an attempt into its work folder, from any state a killed agent left. */
import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Assignment, Plan } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { download, type FetchBlob, type Wanted } from './download.ts'
import { digestOf, readChunks, sha256, writeFully } from './file-bytes.ts'
import type { InputCache } from './input-cache.ts'
import { isMissing, onDisk, PrepareError } from './prepare-error.ts'
import { fetchProgress } from './progress.ts'
import { checkPaths } from './work-path.ts'

export interface WorkspaceOptions {
  /** The folder of the attempt. */
  readonly folder: string
  readonly plan: Pick<Plan, 'files'>
  /** Restored at its own path; an input of that path gives way. */
  readonly checkpoint: Assignment['checkpoint']
  readonly cache: InputCache
  readonly fetchBlob: FetchBlob
  /** Told what is being done, for people. */
  report?(detail: string): void
  readonly signal?: AbortSignal
}

interface Input extends Wanted {
  readonly path: string
  readonly executable: boolean
  readonly cached: boolean
}

const filesAtOnce = 8

/**
 * Safe to repeat until the program was started; what lies there whole is not fetched again. Files
 * are copies, never links: a program may do with them what it likes, the cache does not change.
 * @throws PrepareError when no second try can help
 */
export const prepareWorkspace = async (options: WorkspaceOptions): Promise<void> => {
  const { folder, cache, signal } = options
  const files = attemptFiles(folder)
  const incoming = join(folder, 'incoming')
  await onDisk(() => mkdir(files.work, { recursive: true, mode: 0o755 }))
  const inputs = inputsOf(options)
  if (inputs.length === 0) return
  await onDisk(() => mkdir(incoming, { recursive: true, mode: 0o700 }))
  const work = await realpath(files.work)
  const folders = new Map<string, Promise<void>>()
  const totalBytes = inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const progress = fetchProgress(totalBytes, options.report)
  const place = async (input: Input): Promise<void> => {
    signal?.throwIfAborted()
    const parent = dirname(join(work, input.path))
    const made = folders.get(parent) ?? makeFolder(work, parent)
    folders.set(parent, made)
    await made
    await placeOne(input, join(work, input.path), incoming, { ...options, onBytes: progress })
  }
  await inParallel(inputs, place)
  await rm(incoming, { recursive: true, force: true })
  await cache.trim()
}

const inputsOf = ({ plan, checkpoint, cache }: WorkspaceOptions): Input[] => {
  const restored = checkpoint ? checkPaths([checkpoint])[0] : undefined
  const files = checkPaths(plan.files ?? []).filter(({ path }) => path !== restored?.path)
  const inputs = files.map(({ executable = false, ...file }) => ({
    ...file,
    executable,
    cached: file.sizeBytes <= cache.maxFileBytes,
  }))
  // The next checkpoint replaces this one: it is not worth a place in the cache.
  const last = restored && { ...restored, executable: false, cached: false }
  return checkPaths(last ? [...inputs, last] : inputs)
}

/** A folder on the way that leads out of the work folder is refused. */
const makeFolder = (work: string, folder: string): Promise<void> =>
  onDisk(async () => {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    const real = await realpath(folder)
    if (real !== folder || (real !== work && !real.startsWith(`${work}/`)))
      throw new PrepareError('the work folder leads elsewhere')
  })

type PlaceOptions = WorkspaceOptions & { onBytes(count: number): void }

const placeOne = async (
  input: Input,
  target: string,
  incoming: string,
  options: PlaceOptions,
): Promise<void> => {
  const mode = input.executable ? 0o755 : 0o644
  if (await isWhole(target, input)) return setMode(target, mode)
  const part = join(incoming, sha256().update(input.path).digest('hex'))
  const fetching = {
    fetchBlob: options.fetchBlob,
    onBytes: options.onBytes,
    ...(options.signal && { signal: options.signal }),
  }
  if (input.cached) {
    const copied =
      (await copyCached(input, part, mode, options.cache, fetching)) ||
      (await copyCached(input, part, mode, options.cache, fetching))
    if (!copied) throw new PrepareError(`the disk of the node damages files: ${input.sha256}`)
  } else {
    await download(part, input, fetching)
    await setMode(part, mode)
  }
  await onDisk(() => rename(part, target))
}

/** Verifies while it copies; content that was damaged on the disk is forgotten. */
const copyCached = async (
  input: Input,
  part: string,
  mode: number,
  cache: InputCache,
  fetching: { fetchBlob: FetchBlob; onBytes(count: number): void; signal?: AbortSignal },
): Promise<boolean> => {
  const source = await cache.take(input, fetching)
  try {
    if ((await copy(source, part, mode)) === input.sha256) return true
    await cache.drop(input.sha256)
    return false
  } finally {
    cache.release(input)
  }
}

const copy = (source: string, target: string, mode: number): Promise<string> =>
  onDisk(async () => {
    await using from = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
    await using to = await open(target, flags, 0o600)
    await to.chmod(mode)
    const hasher = sha256()
    let at = 0
    await readChunks(from, async (chunk) => {
      hasher.update(chunk)
      await writeFully(to, chunk, at)
      at += chunk.length
    })
    return hasher.digest('hex')
  })

const isWhole = async (path: string, { sha256, sizeBytes }: Wanted): Promise<boolean> => {
  try {
    const found = await lstat(path)
    if (!found.isFile() || found.nlink !== 1 || found.size !== sizeBytes) return false
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    return (await digestOf(file)).sha256 === sha256
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** By the open file, which no umask touches. */
const setMode = async (path: string, mode: number): Promise<void> => {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  await file.chmod(mode)
}

/** Waits for all of them even when one fails, so that nothing writes after the answer. */
const inParallel = async <T>(items: readonly T[], work: (item: T) => Promise<void>) => {
  let failed = false
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) {
      if (failed) return
      await work(item).catch((error: unknown) => {
        failed = true
        throw error
      })
    }
  }
  const results = await Promise.allSettled(Array.from({ length: filesAtOnce }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
