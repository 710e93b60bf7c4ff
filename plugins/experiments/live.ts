/** What an experiment's journal says to those who watch it: the document's messages, and more. */
import type { Channel, ChannelRequest, LiveMessage, Subscription } from '../../src/sdk.ts'
import { timeOf } from './dialect.ts'
import type { Experiment } from './experiment.ts'
import type { StoredEvent } from './journal/events.ts'
import { apply, emptyJournal } from './journal/fold.ts'
import { bestOf } from './journal/good.ts'
import type { Journal } from './journal/journal.ts'
import { finishedSteps } from './journal/summary.ts'
import { resultsMessage } from './live-results.ts'
import { nodeView } from './node-view.ts'

/** What messages say beyond the journal; none of it changes after the start. */
export type Watched = Pick<Experiment, 'id' | 'name' | 'settings' | 'createdAt'>

interface Message {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** One event may give this many messages; each has a cursor of its own. */
const cursorsPerEvent = 8

/** The last cursor that the event's messages can have: what `head` answers. */
export const cursorAfter = (seq: number): number => seq * cursorsPerEvent + cursorsPerEvent - 1

/** Pure. `after` is the journal with the event in it. */
export const messagesOf = (
  experiment: Watched,
  { seq, at, event }: StoredEvent,
  after: Journal,
): LiveMessage[] => {
  const numbered = (message: Message, index: number): LiveMessage => {
    const cursor = seq * cursorsPerEvent + index
    const data = { experimentId: experiment.id, ...message.data, seq: cursor }
    return { cursor, data: { type: message.type, data } }
  }
  const update = (config: object) => [{ type: 'config_update', data: { config } }]
  const node = (id: string) => after.nodes.find((one) => one.id === id)
  const changed = (id: string): Message[] => {
    const found = node(id)
    return found ? [{ type: 'node_update', data: { node: nodeView(found, after) } }] : []
  }
  const messages = (): readonly Message[] => {
    switch (event.type) {
      case 'started':
        return [...update(modelOf(experiment)), progress(after, 'running')]
      case 'finished': {
        const found = node(event.node)
        if (!found) return []
        const data = { step: found.step, node: nodeView(found, after) }
        return [{ type: 'step_complete', data }, progress(after, 'running')]
      }
      case 'proposed':
      case 'approved':
      case 'running':
      case 'requeued':
      case 'pinned':
      case 'pruned':
        return changed(event.node)
      case 'extended':
        return [...update({ steps: after.totalSteps }), progress(after, 'running')]
      case 'paused':
      case 'resumed':
        return update({ isPaused: after.isPaused })
      case 'instructed':
        return update({ instructions: after.instructions })
      case 'directed':
        return update({ maximize: after.maximize })
      case 'noted':
        return [{ type: 'note', data: { message: event.text } }]
      case 'stopped':
        return [ended(experiment, after, 'stopped', at, event.reason)]
      case 'completed':
        return [ended(experiment, after, 'completed', at, event.final.explanation)]
      case 'failed':
        return [failure(after, event.error, event.message)]
    }
  }
  return messages().map(numbered)
}

/** All messages beyond `since`, told from the beginning: folding a journal takes no time. */
export const replayOf = (
  experiment: Watched,
  firstSteps: number,
  events: readonly StoredEvent[],
  since: number,
): LiveMessage[] => {
  const messages: LiveMessage[] = []
  let journal = emptyJournal(firstSteps)
  for (const stored of events) {
    journal = apply(journal, stored)
    if (cursorAfter(stored.seq) <= since) continue
    for (const message of messagesOf(experiment, stored, journal)) {
      if (message.cursor > since) messages.push(message)
    }
  }
  return messages
}

const progress = (journal: Journal, status: string): Message => {
  const currentStep = finishedSteps(journal)
  const { totalSteps } = journal
  const share = totalSteps === 0 ? 0 : Math.min(1, currentStep / totalSteps)
  const best = bestOf(journal)
  const bestMetric = { value: best?.verdict?.metric ?? null, maximize: journal.maximize }
  const data = { currentStep, totalSteps, progress: share, status, bestNodeId: best?.id ?? null }
  return { type: 'progress', data: { ...data, bestMetric } }
}

const ended = (
  experiment: Watched,
  journal: Journal,
  status: 'completed' | 'stopped',
  at: number,
  message: string,
): Message => {
  const { bestMetric, totalTime, results } = resultsMessage(experiment, journal, status, at)
  const completedAt = timeOf(at)
  const data = { status, bestMetric, totalTime, completedAt, message, results }
  return { type: 'experiment_complete', data }
}

/** Only for the end of the whole experiment: clients take it for that. */
const failure = ({ nodes }: Journal, error: string, message: string): Message => {
  const last = nodes.at(-1)
  const exception = last?.run?.exception
  const traceback = exception?.stack.map(([file, line, name]) => `${file}:${line} in ${name}`)
  const details = {
    exception: exception ? `${exception.type}: ${exception.message}` : null,
    traceback: traceback?.join('\n') ?? null,
  }
  return { type: 'error', data: { error, message, step: last?.step ?? 0, details } }
}

const modelOf = ({ settings }: Watched): object => {
  const { code } = settings.models
  return {
    proposer: settings.proposer,
    policy: settings.policy,
    model: code?.model ?? null,
    temperature: code?.temperature ?? null,
    maxTokens: code?.maxTokens ?? null,
  }
}

export interface ExperimentChannelOptions {
  /**
   * The experiment, if this caller may see it.
   * @throws HearthError the refusal
   */
  open(who: ChannelRequest['who'], id: string): Promise<Pick<Experiment, 'id' | 'status'>>
  replay(id: string, since: number): AsyncIterable<readonly LiveMessage[]>
  /** Cursor of the latest message stored. */
  head(id: string): Promise<number>
}

/** Watchers hear something at least this often. */
const heartbeatMs = 30_000

/** Topic of an experiment's messages, for `live.publish`. */
export const topicOf = (id: string): string => `experiment/${id}`

export const experimentChannel = (options: ExperimentChannelOptions): Channel => ({
  path: '/ws/experiments/:id',
  socketIo: true,
  maxPerAddress: 5,
  async open({ params, who }): Promise<Subscription> {
    const { id, status } = await options.open(who, params['id'] ?? '')
    const head = await options.head(id)
    return {
      topic: topicOf(id),
      replay: (since) => options.replay(id, since),
      head: () => options.head(id),
      hello: { type: 'connection_established', data: { experimentId: id, status, seq: head } },
      idle: { afterMs: heartbeatMs, message: { type: 'heartbeat', data: { experimentId: id } } },
      message: (text, reply) => {
        const answer = answerTo(text, id)
        if (answer) reply(answer)
      },
    }
  },
})

/** What clients may say: anything else is passed over, as the document names no answer to it. */
const answerTo = (text: string, experimentId: string): object | null => {
  let type: unknown
  try {
    type = (JSON.parse(text) as { type?: unknown } | null)?.type
  } catch {
    return null
  }
  if (type === 'ping') return { type: 'pong' }
  if (type === 'subscribe') return { type: 'subscribed', data: { experimentId } }
  return null
}
