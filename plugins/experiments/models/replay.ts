/** Replies of an earlier experiment in place of a model: the same seed then grows the same tree. */
import type { Call } from './ledger.ts'
import type { Question } from './models.ts'

export interface Replay {
  /** The recorded reply to this question; null when there is none left. */
  next(
    question: Pick<Question, 'step' | 'operator'>,
  ): Pick<RecordedReply, 'text' | 'input' | 'inputTokens' | 'outputTokens'> | null
}

interface RecordedReply {
  readonly text: string
  readonly input: unknown
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

/** By step and operator, in order: prompts hold times, which are never the same twice. */
export const replayOf = (calls: readonly Call[]): Replay => {
  const queues = new Map<string, RecordedReply[]>()
  for (const { step, operator, reply, tool, inputTokens, outputTokens, error } of calls) {
    if (error !== null) continue
    const key = `${step}/${operator}`
    const input: unknown = tool === null ? null : JSON.parse(tool)
    const queue = queues.get(key) ?? []
    queue.push({ text: reply, input, inputTokens, outputTokens })
    queues.set(key, queue)
  }
  return { next: ({ step, operator }) => queues.get(`${step}/${operator}`)?.shift() ?? null }
}
