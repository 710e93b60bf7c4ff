/** Finds what a job leaves behind: what its program named, and what its plan's patterns match. */
import { Glob } from 'bun'
import { type FileHandle, lstat, realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Artifact, Plan } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { type CountLinks, OutputRefusedError, openOutput, snapshotOf } from './output-file.ts'
import { type Found, linkCounter, walk } from './walk.ts'
import { shown, workPath } from './work-path.ts'

/** A path of an `artifact` or `checkpoint` event, in the order of the events. */
export interface Named {
  readonly path: string
  readonly kind: Artifact['kind']
}

export interface OutputsOptions {
  /** The folder of the attempt. */
  readonly folder: string
  readonly plan: Pick<Plan, 'outputs'>
  readonly named: readonly Named[]
  readonly maxFiles?: number
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}

export interface Outputs {
  /** Each path once, by path. */
  readonly artifacts: readonly Artifact[]
  /** One sentence for each thing that was left out. */
  readonly problems: readonly string[]
}

const defaultMaxFiles = 10_000
const maxProblems = 100

/**
 * Of the checkpoints only the last is kept: it is the one to go on from. Files are digested as they
 * lie; read them again through `openOutput`, and believe the digest of what is sent.
 */
export const collectOutputs = async (options: OutputsOptions): Promise<Outputs> => {
  const { maxFiles = defaultMaxFiles, maxBytes = 2 ** 40 } = options
  const work = await realpath(attemptFiles(options.folder).work)
  const artifacts: Artifact[] = []
  const problems = new Set<string>()
  const countLinks = linkCounter(work)
  let totalBytes = 0
  const wanted = await listWanted(work, options, problems)
  for (const [path, kind] of [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    options.signal?.throwIfAborted()
    if (artifacts.length >= maxFiles) {
      problems.add(`more than ${maxFiles} files are to be kept: the rest is left out`)
      break
    }
    try {
      const artifact = await digest(work, path, kind, countLinks, maxBytes - totalBytes)
      totalBytes += artifact.sizeBytes
      artifacts.push(artifact)
    } catch (error) {
      if (!(error instanceof OutputRefusedError)) throw error
      problems.add(error.message)
    }
  }
  return { artifacts, problems: shorten([...problems]) }
}

/** Opens an artifact again, to send its bytes. @throws OutputRefusedError */
export const readOutput = async (folder: string, { path }: Artifact): Promise<FileHandle> => {
  const work = await realpath(attemptFiles(folder).work)
  return openOutput(work, path, linkCounter(work))
}

const digest = async (
  work: string,
  path: string,
  kind: Artifact['kind'],
  countLinks: CountLinks,
  roomBytes: number,
): Promise<Artifact> => {
  await using file = await openOutput(work, path, countLinks)
  const { size } = await file.stat()
  if (size > roomBytes)
    throw new OutputRefusedError(`${shown(path)} is left out: the outputs are too large`)
  const snapshot = await snapshotOf(file)
  if (snapshot === null)
    throw new OutputRefusedError(`${shown(path)} changed all the time while it was read`)
  return { path, ...snapshot, kind }
}

/** The paths to keep; what cannot be one is told at once. */
const listWanted = async (
  work: string,
  { named, plan, maxFiles = defaultMaxFiles }: OutputsOptions,
  problems: Set<string>,
): Promise<ReadonlyMap<string, Artifact['kind']>> => {
  const wanted = new Map<string, Artifact['kind']>()
  const lastCheckpoint = named.findLast(({ kind }) => kind === 'checkpoint')
  for (const one of named) {
    if (one.kind === 'checkpoint' && one !== lastCheckpoint) continue
    const path = workPath(one.path.startsWith('/') ? relative(work, one.path) : one.path)
    if (path === null) {
      problems.add(`${shown(one.path)} is not a path inside the work folder`)
    } else if (await isFolder(work, path)) {
      if (one.kind === 'checkpoint') problems.add(`${shown(path)} is a folder, not one file`)
      for await (const found of walk(work, path)) {
        if (wanted.size > maxFiles) break
        want(found, wanted, problems)
      }
    } else {
      if (wanted.get(path) !== 'checkpoint') wanted.set(path, one.kind)
    }
  }
  const patterns = (plan.outputs ?? []).map((pattern) => pattern.replace(/^\.\/+|\/+$/g, ''))
  const globs = patterns.flatMap((pattern) => [new Glob(pattern), new Glob(`${pattern}/**`)])
  if (globs.length === 0) return wanted
  for await (const found of walk(work)) {
    // One more than allowed is enough to say that there are too many.
    if (wanted.size > maxFiles) break
    if (!wanted.has(found.path) && globs.some((glob) => glob.match(found.path)))
      want(found, wanted, problems)
  }
  return wanted
}

const want = (found: Found, wanted: Map<string, Artifact['kind']>, problems: Set<string>): void => {
  if (workPath(found.path) !== found.path)
    problems.add(`the name ${shown(found.path)} is not allowed`)
  else if (found.kind === 'other') problems.add(`${shown(found.path)} is not a file`)
  else if (!wanted.has(found.path)) wanted.set(found.path, 'artifact')
}

/** Links on the way count as what they lead to, as long as that is inside. */
const isFolder = async (work: string, path: string): Promise<boolean> => {
  const real = await realpath(join(work, path)).catch(() => '')
  if (real !== work && !real.startsWith(`${work}/`)) return false
  return (await lstat(real).catch(() => null))?.isDirectory() ?? false
}

const shorten = (problems: readonly string[]): string[] =>
  problems.length <= maxProblems
    ? [...problems]
    : [...problems.slice(0, maxProblems), `and ${problems.length - maxProblems} more`]
