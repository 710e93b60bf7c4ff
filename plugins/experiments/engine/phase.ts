/** Where an experiment stands: questions to its journal. */
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'

export const isRunning = ({ startedAt, endedAt }: Journal): boolean =>
  startedAt !== null && endedAt === null

/** Still to be run or approved. A pruned node that has not run never will. */
export const isOpen = ({ state, isPruned }: Node): boolean =>
  state === 'running' || (state !== 'finished' && !isPruned)

/** Time that it ran, without its pauses and the time between an end and the next start. */
export const elapsedMs = ({ ranMs, runningSince }: Journal, now: number): number =>
  ranMs + (runningSince === null ? 0 : Math.max(0, now - runningSince))
