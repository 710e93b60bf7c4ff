/** Replies that were recorded in the ledger, in place of a model's. */
import type { Journal } from '../journal/journal.ts'
import type { Call } from './ledger.ts'

export interface RecordedReply {
  /** The call whose reply it is. */
  readonly call: string
  readonly model: string
  readonly text: string
  readonly input: unknown
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly usd: number | null
}

type Asked = Pick<Call, 'step' | 'operator' | 'prompt'>

export interface Recording {
  /** `whole`: there is no model behind it. `unused`: what it lacks is asked of a model. */
  readonly kind: 'whole' | 'unused'
  /** The recorded reply to this question; null when there is none left. */
  next(question: Asked): RecordedReply | null
}

/**
 * The replies that made another experiment, by step and operator, in order: prompts hold times,
 * which are never the same twice. The same seed and one worker then grow the same tree.
 */
export const replayOf = (calls: readonly Call[], journal: Journal): Recording => {
  const made = callsOf(journal)
  const isPart = ({ id, operator }: Call) => !writes.has(operator) || made.has(id)
  return recording('whole', calls.filter(isPart), ({ step, operator }) => `${step}/${operator}`)
}

/**
 * Replies that this experiment had when its server ended, and has not made use of: they were paid.
 * Only the very same question is answered by them.
 */
export const unusedOf = (calls: readonly Call[], journal: Journal): Recording => {
  const made = callsOf(journal)
  const finished = new Set(
    journal.nodes.filter(({ state }) => state === 'finished').map(({ step }) => step),
  )
  const isUnused = ({ id, operator, step }: Call): boolean =>
    writes.has(operator) ? !made.has(id) : operator === 'review' && !finished.has(step)
  return recording('unused', calls.filter(isUnused), ({ step, operator, prompt }) =>
    JSON.stringify([step, operator, prompt]),
  )
}

/** Operators whose calls are named by the node that they made. */
const writes: ReadonlySet<string> = new Set(['draft', 'improve', 'debug', 'fuse'])

const callsOf = ({ nodes }: Journal): ReadonlySet<string> =>
  new Set(nodes.flatMap(({ calls }) => calls))

const recording = (
  kind: Recording['kind'],
  calls: readonly Call[],
  keyOf: (asked: Asked) => string,
): Recording => {
  const queues = new Map<string, RecordedReply[]>()
  for (const call of calls) {
    if (call.error !== null) continue
    const { id, model, reply, tool, inputTokens, outputTokens, usd } = call
    const input: unknown = tool === null ? null : JSON.parse(tool)
    const recorded = { call: id, model, text: reply, input, inputTokens, outputTokens, usd }
    queues.set(keyOf(call), [...(queues.get(keyOf(call)) ?? []), recorded])
  }
  return { kind, next: (question) => queues.get(keyOf(question))?.shift() ?? null }
}
