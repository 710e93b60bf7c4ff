/** What is recorded of a rollout: models asked, tools called, the end. */
import type { RolloutStatus } from './rollout.ts'
import type { ChatMessage } from './trajectory.ts'

export interface ChatExchange {
  /** Who answered. */
  readonly model: string
  /** The client's own name for itself; empty: it told none. */
  readonly userAgent: string
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly unknown[]
  /** Everything else that was asked for: temperature and its kin. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly answer: ChatMessage
  /** Log-probabilities of the tools that it calls, where they were drawn. */
  readonly drawn?: Readonly<Record<string, number>>
  /** How many had been done when it was asked. */
  readonly steps: number
}

export type RolloutEvent =
  | (Omit<ChatExchange, 'drawn' | 'steps'> & {
      readonly type: 'chat'
      /** So many messages of the request before come first again; `messages` follow them. */
      readonly kept: number
    })
  | {
      readonly type: 'tool'
      readonly name: string
      readonly arguments: Readonly<Record<string, unknown>>
      readonly content: string
      /** Absent: it stood for none. */
      readonly action?: number
      readonly reward?: number
      readonly done: boolean
    }
  | { readonly type: 'end'; readonly status: RolloutStatus; readonly reason: string | null }

/** The whole conversation with the model, put together from its pieces. */
export const messagesIn = (events: readonly RolloutEvent[]): readonly ChatMessage[] => {
  let request: readonly ChatMessage[] = []
  /** What followed it. */
  let since: readonly ChatMessage[] = []
  for (const event of events) {
    if (event.type === 'chat') {
      request = [...request.slice(0, event.kept), ...event.messages]
      since = [event.answer]
    }
    if (event.type === 'tool') {
      since = [...since, { role: 'tool', name: event.name, content: event.content }]
    }
  }
  return [...request, ...since]
}
