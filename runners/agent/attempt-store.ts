/** The attempts a node has, on its disk: what a restarted agent finds again. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type as t } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Artifact, Assignment, FinishRequest } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import type { AttemptFolder } from '../executor.ts'
import { readIfThere, syncFolder, writeAtomically, writeDurably } from './durable-file.ts'

/** An attempt on disk, and all that was assigned with it. */
export interface StoredAttempt extends AttemptFolder {
  readonly stopAfterMs: number | null
  readonly checkpoint: Assignment['checkpoint']
}

/**
 * Written before the program may begin; from then on its work folder is its own. Lost with the
 * machine, as the program is.
 */
const Starting = t.Object({ executor: t.String(), secretNames: t.Array(t.String()) })
export type Starting = Static<typeof Starting>

/** What the server will be told: decided once, however often it has to be said. */
const Ended = t.Object({
  outcome: FinishRequest.properties.outcome,
  artifacts: t.Array(Artifact),
})
export type Ended = Static<typeof Ended>

/** An assignment that could not have come from a server that means well. */
export class BadAssignmentError extends Error {
  override readonly name = 'BadAssignmentError'
}

const namePattern = /^([a-z0-9]{1,64})-([0-9]{1,9})$/

export const openAttemptStore = async (folder: string) => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const pathOf = ({ job, attempt }: { job: string; attempt: number }) =>
    join(folder, `${job}-${attempt}`)
  return {
    /** Attempts whose specification is whole; what a crash left of others is removed. */
    async list(): Promise<StoredAttempt[]> {
      const found: StoredAttempt[] = []
      for (const name of await readdir(folder)) {
        const path = join(folder, name)
        const spec = namePattern.test(name) ? await readSpec(path) : null
        if (spec) found.push(toStored(path, spec))
        else await rm(path, { recursive: true, force: true })
      }
      return found
    },
    /**
     * @param deadlineMs on the monotonic clock
     * @throws BadAssignmentError
     */
    async add(assignment: Assignment, deadlineMs: number | null): Promise<StoredAttempt> {
      const path = pathOf(assignment)
      const isGood = namePattern.test(`${assignment.job}-${assignment.attempt}`)
      if (!isGood || !Value.Check(Assignment, assignment)) {
        const [first] = [...Value.Errors(Assignment, assignment)]
        throw new BadAssignmentError(`${first?.path ?? '/job'} ${first?.message ?? 'is no name'}`)
      }
      await mkdir(path, { recursive: true, mode: 0o700 })
      if (deadlineMs !== null) await writeDeadline(path, deadlineMs)
      const spec = JSON.stringify(assignment)
      await Promise.all([writeDurably(attemptFiles(path).spec, spec), syncFolder(folder)])
      return toStored(path, assignment)
    },
    /** Out of the way at once, however long the deleting takes. */
    async remove(stored: AttemptFolder): Promise<void> {
      const doomed = join(folder, `.removed-${stored.job}-${stored.attempt}`)
      await rm(doomed, { recursive: true, force: true })
      await rename(stored.path, doomed).catch(ignoreMissing)
      await rm(doomed, { recursive: true, force: true })
    },
  }
}
export type AttemptStore = Awaited<ReturnType<typeof openAttemptStore>>

export const writeDeadline = (path: string, deadlineMs: number): Promise<void> =>
  writeAtomically(attemptFiles(path).deadline, `${Math.round(deadlineMs)}\n`)

export const readDeadline = async (path: string): Promise<number | null> => {
  const text = await readIfThere(attemptFiles(path).deadline)
  return text === null ? null : Number.parseInt(text, 10)
}

export const readStarting = (path: string): Promise<Starting | null> =>
  readAs(attemptFiles(path).starting, Starting)
export const writeStarting = (path: string, starting: Starting): Promise<void> =>
  writeAtomically(attemptFiles(path).starting, JSON.stringify(starting))

export const readEnded = (path: string): Promise<Ended | null> =>
  readAs(attemptFiles(path).ended, Ended)
export const writeEnded = (path: string, ended: Ended): Promise<void> =>
  writeDurably(attemptFiles(path).ended, JSON.stringify(ended))

const toStored = (path: string, assignment: Assignment): StoredAttempt => {
  const { job, attempt, plan, gpus, stopAfterMs, checkpoint } = assignment
  return { path, job, attempt, plan, gpus, stopAfterMs, checkpoint }
}

const readSpec = (path: string) => readAs(attemptFiles(path).spec, Assignment)

const readAs = async <T extends typeof Starting | typeof Ended | typeof Assignment>(
  path: string,
  schema: T,
): Promise<Static<T> | null> => {
  const text = await readIfThere(path)
  if (text === null) return null
  const value: unknown = JSON.parse(text)
  if (!Value.Check(schema, value)) throw new Error(`${path} was written by another version`)
  return value
}

const ignoreMissing = (error: unknown) => {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
