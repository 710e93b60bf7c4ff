/** From the end of a job to what is said of its program. */
import type { JobView, OutcomeReason } from '../../../src/sdk.ts'
import type { Failure, NodeException } from '../journal/node.ts'

export interface Ending {
  readonly failure: Failure | null
  readonly message: string | null
}

const byReason: Readonly<Record<OutcomeReason, Failure>> = {
  exited: 'exception',
  cancelled: 'cancelled',
  paused: 'cancelled',
  timeout: 'timeout',
  oom: 'memory',
  disk_full: 'disk_full',
  log_limit: 'output_limit',
  lease_expired: 'lost',
  shim_lost: 'lost',
  prepare_failed: 'refused',
  start_failed: 'refused',
  refused: 'refused',
}

/** What shells and sandboxes exit with when a signal ended the program: 128 and its number. */
const fatalSignals: Readonly<Record<number, string>> = {
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
}

/** The program's own end, where the job says no more than that it ended. */
export const endingOf = (
  { state, outcome }: Pick<JobView, 'state' | 'outcome'>,
  exception: NodeException | null,
): Ending => {
  if (state === 'succeeded') return { failure: null, message: null }
  if (!outcome) return { failure: 'lost', message: 'Nothing is known of how the program ended' }
  const { reason, exit_code: exitCode, signal, message } = outcome
  if (reason !== 'exited') return { failure: byReason[reason], message }
  const endedBy = signal ?? fatalSignals[exitCode ?? 0]
  if (endedBy) return { failure: 'killed', message: `The program was ended by ${endedBy}` }
  if (exception?.type === 'MemoryError') return { failure: 'memory', message: exception.message }
  if (exception) {
    return { failure: 'exception', message: `${exception.type}: ${exception.message}` }
  }
  return { failure: 'exception', message: `The program ended with exit code ${exitCode}` }
}

/** What `hearth_step` told, out of the job's events. */
export const exceptionIn = (events: string): NodeException | null => {
  for (const line of events.split('\n').reverse()) {
    const event = parsed(line)
    if (event?.type === 'exception' && event.exception) return event.exception
  }
  return null
}

interface ExceptionEvent {
  readonly type: unknown
  readonly exception?: NodeException
}

/** Programs may write anything there: `hearth_step` told only what has the right shape. */
const parsed = (line: string): ExceptionEvent | null => {
  if (!line.includes('"exception"')) return null
  try {
    const { type, exception } = JSON.parse(line) as { type: unknown; exception?: NodeException }
    const isWhole =
      typeof exception?.type === 'string' &&
      typeof exception.message === 'string' &&
      isTexts(exception.args) &&
      Array.isArray(exception.stack) &&
      exception.stack.every(isFrame)
    return isWhole ? { type, exception } : null
  } catch {
    return null
  }
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

const isFrame = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 4 &&
  value.every((one, i) => typeof one === (i === 1 ? 'number' : 'string'))
