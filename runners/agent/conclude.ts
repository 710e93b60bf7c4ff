/** Decides what the server will be told once a program has ended: how, and what it left. */
import type { Outcome, OutcomeReason } from '../../src/jobs/protocol.ts'
import { collectOutputs } from '../workspace/outputs.ts'
import { type Ended, readStarting, type StoredAttempt, writeEnded } from './attempt-store.ts'
import { namedOutputs } from './named-outputs.ts'

/** An end that came before any program did. */
export const endedEarly = (reason: OutcomeReason, message: string): Outcome => ({
  reason,
  exitCode: null,
  signal: null,
  message,
})

/** Written down before it is said, so that it is said alike however often. */
export const conclude = async (
  stored: StoredAttempt,
  outcome: Outcome | Ended['outcome'],
  signal: AbortSignal,
): Promise<Ended> => {
  const { path: folder, plan } = stored
  // What never began has left nothing.
  const began = (await readStarting(folder)) !== null
  const { artifacts, problems } = began
    ? await collectOutputs({ folder, plan, named: await namedOutputs(folder), signal })
    : { artifacts: [], problems: [] }
  const { message: own, usage, ...rest } = outcome
  const message = [...new Set([own, ...problems])].filter(Boolean).join('\n')
  const ended = {
    outcome: {
      ...rest,
      ...(usage && { usage: { ...usage } }),
      ...(message !== '' && { message }),
    },
    artifacts: [...artifacts],
  }
  await writeEnded(folder, ended)
  return ended
}
