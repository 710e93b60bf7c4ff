/** What the row of an experiment says of its journal. */
import type { Status } from '../experiment.ts'
import type { StoredEvent } from './events.ts'
import { bestOf } from './good.ts'
import type { Journal } from './journal.ts'
import type { Node } from './node.ts'

export interface Summary {
  /** null: these events do not change it. */
  readonly status: Status | null
  /** JSON of `{code, message}`. */
  readonly error: string | null
  readonly finishedSteps: number
  readonly best: Node | null
}

export const summaryOf = (journal: Journal, added: readonly StoredEvent[]): Summary => {
  let status: Status | null = null
  let error: string | null = null
  for (const { event } of added) {
    if (event.type === 'started') status = 'running'
    else if (event.type === 'stopped') status = 'stopped'
    else if (event.type === 'completed') status = 'completed'
    else if (event.type === 'failed') {
      status = 'failed'
      error = JSON.stringify({ code: event.error, message: event.message })
    }
  }
  return { status, error, finishedSteps: finishedSteps(journal), best: bestOf(journal) }
}

export const finishedSteps = ({ nodes }: Journal): number =>
  nodes.filter(({ state }) => state === 'finished').length
