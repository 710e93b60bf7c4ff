/** Everything between an assignment and its first process, each step safe to take again. */
import { mkdir } from 'node:fs/promises'
import type { Outcome } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import type { Executor, Handle } from '../executor.ts'
import { PrepareError } from '../workspace/prepare-error.ts'
import { GoneError } from './answers.ts'
import { readStarting, type StoredAttempt, writeStarting } from './attempt-store.ts'
import { endedEarly } from './conclude.ts'
import type { Deadline } from './deadline.ts'
import { environmentOf } from './environment.ts'
import type { NodeContext, Prepared } from './node-context.ts'
import type { StartPermit } from './start-permit.ts'

export interface Beginning {
  readonly node: NodeContext
  readonly stored: StoredAttempt
  readonly executor: Executor
  readonly permit: StartPermit
  readonly deadline: Deadline
  /** Aborts when the attempt is not wanted any more, or the agent stops. */
  readonly signal: AbortSignal
  /** The end somebody wished for meanwhile. */
  wishedEnd(): Outcome | null
  report(phase: 'preparing' | 'starting', detail?: string): void
}

export const begin = async (beginning: Beginning): Promise<Handle | Outcome> => {
  const { node, stored, executor, permit, deadline, signal } = beginning
  const wished = beginning.wishedEnd()
  if (wished) return wished
  let secrets: Readonly<Record<string, string>>
  try {
    const sentMs = node.monotonicMs()
    secrets = await permit.ask(signal)
    // The assignment may have come in answer to a question asked long before.
    await deadline.move(sentMs)
  } catch (error) {
    // Cancelled before it began, most likely: said once, and refused if it is something else.
    if (error instanceof GoneError) return endedEarly('cancelled', 'Cancelled before it began')
    throw error
  }
  let prepared: Prepared
  try {
    prepared = await prepare(beginning)
  } catch (error) {
    const end = beginning.wishedEnd()
    if (end) return end
    if (error instanceof PrepareError) return endedEarly('prepare_failed', error.message)
    throw error
  }
  if (await deadline.isPast()) return endedEarly('lease_expired', 'Cut off before it began')
  const end = beginning.wishedEnd()
  if (end) return end
  beginning.report('starting')
  const secretNames = Object.keys(secrets)
  await writeStarting(stored.path, { executor: executor.name, secretNames })
  const env = environmentOf({ stored, secrets, ...prepared })
  try {
    return await executor.start(stored, env)
  } catch (error) {
    // It may have begun all the same.
    const message = error instanceof Error ? error.message : String(error)
    node.log.warn('a program could not be started', { job: stored.job, reason: message })
    return (await executor.recover(stored)) ?? endedEarly('start_failed', message)
  }
}

const prepare = async (beginning: Beginning): Promise<Prepared> => {
  const { node, stored, executor, signal, report } = beginning
  const { preparation } = node
  const say = (detail: string) => report('preparing', detail)
  const { work, home, tmp } = attemptFiles(stored.path)
  for (const folder of [work, home, tmp]) await mkdir(folder, { recursive: true, mode: 0o755 })
  // Once a program may have begun, its work folder is its own.
  const mayHaveBegun = (await readStarting(stored.path)) !== null
  if (!mayHaveBegun) await preparation.place(stored, say, signal)
  await executor.prepare?.(stored, say, signal)
  return preparation.environment(stored, say, signal)
}
