/** Puts together how a program ended and why it was ended: the outcome of its attempt. */
import type { Outcome } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { checkpointSeen } from './checkpoint-seen.ts'
import type { Verdict } from './limits.ts'

export const judge = async (
  folder: string,
  { code, signal }: { readonly code: number | null; readonly signal: string | null },
  verdict: Verdict | null,
): Promise<Outcome> => {
  const ended = { exitCode: signal ? null : code, signal }
  if (!verdict) return { reason: 'exited', ...ended }
  // What killed a part of it did no harm if the whole succeeded all the same.
  if (verdict.reason === 'oom' && code === 0) return { reason: 'exited', ...ended }
  if (verdict.reason !== 'paused') return { ...verdict, ...ended }
  if (await checkpointSeen(attemptFiles(folder).events)) return { ...verdict, ...ended }
  if (code === 0) return { reason: 'exited', ...ended }
  return { reason: 'cancelled', ...ended, message: 'Asked to pause, it wrote no checkpoint' }
}
