/** Adds events up to a journal: pure, no journal that was handed out is ever changed. */
import type { JournalEvent, StoredEvent } from './events.ts'
import type { Journal } from './journal.ts'
import type { Node } from './node.ts'

export const emptyJournal = (totalSteps: number): Journal => ({
  version: 0,
  nodes: [],
  maximize: null,
  instructions: [],
  isPaused: false,
  totalSteps,
  notes: [],
  final: null,
  startedAt: null,
  endedAt: null,
  ranMs: 0,
  runningSince: null,
})

/** A journal that is being added to: its list of nodes is its own, copied once for all events. */
type Draft = { -readonly [K in keyof Journal]: Journal[K] } & { readonly nodes: Node[] }

/** @throws Error for an event that cannot follow: the stored journal is broken */
export const fold = (journal: Journal, events: readonly StoredEvent[]): Journal => {
  const draft: Draft = { ...journal, nodes: journal.nodes.slice() }
  for (const stored of events) {
    if (stored.seq !== draft.version + 1) {
      throw new Error(`Event ${stored.seq} does not follow event ${draft.version}`)
    }
    try {
      change(draft, stored)
    } catch (error) {
      throw new Error(`Event ${stored.seq}: ${(error as Error).message}`)
    }
    draft.version = stored.seq
  }
  return draft
}

export const apply = (journal: Journal, stored: StoredEvent): Journal => fold(journal, [stored])

const change = (draft: Draft, { event, at }: StoredEvent): void => {
  switch (event.type) {
    case 'started':
      draft.startedAt ??= at
      draft.endedAt = null
      draft.final = null
      draft.runningSince = draft.isPaused ? null : at
      return
    case 'proposed':
      draft.nodes.push(newNode(draft.nodes, event, at))
      return
    case 'approved':
      return changeNode(draft, event.node, (node) => ({
        state: expected(node, 'waiting', 'ready'),
        code: event.code ?? node.code,
      }))
    case 'running':
      return changeNode(draft, event.node, (node) => ({
        state: node.state === 'running' ? 'running' : expected(node, 'ready', 'running'),
        jobId: event.jobId,
      }))
    case 'requeued':
      return changeNode(draft, event.node, (node) => ({
        state: expected(node, 'running', 'ready'),
        jobId: null,
        requeues: node.requeues + 1,
      }))
    case 'finished':
      return changeNode(draft, event.node, (node) => {
        if (node.state === 'finished') throw new Error(`${node.id} has finished before`)
        const { run, verdict } = event
        return { state: 'finished', run, verdict, jobId: run.jobId ?? node.jobId }
      })
    case 'pinned':
      return changeNode(draft, event.node, () => ({ isPinned: event.isPinned }))
    case 'pruned':
      return changeNode(draft, event.node, (node) => pruned(draft, node, event.isPruned))
    case 'instructed':
      draft.instructions = [...draft.instructions, event.text]
      return
    case 'paused':
      rest(draft, at)
      draft.isPaused = true
      return
    case 'resumed':
      draft.isPaused = false
      draft.runningSince = isBegun(draft) ? at : null
      return
    case 'extended':
      draft.totalSteps += event.steps
      return
    case 'directed':
      draft.maximize ??= event.maximize
      return
    case 'noted':
      draft.notes = [...draft.notes, event.text]
      return
    case 'stopped':
    case 'failed':
      return end(draft, at)
    case 'completed':
      end(draft, at)
      draft.final = event.final
      return
    default:
      throw new Error(`There is no event of the type ${(event as { type: unknown }).type}`)
  }
}

const isBegun = ({ startedAt, endedAt }: Journal): boolean => startedAt !== null && endedAt === null

/** The time it ran is counted up to now. */
const rest = (draft: Draft, at: number): void => {
  if (draft.runningSince !== null) draft.ranMs += at - draft.runningSince
  draft.runningSince = null
}

const end = (draft: Draft, at: number): void => {
  rest(draft, at)
  draft.endedAt = at
  draft.isPaused = false
}

type Proposed = Extract<JournalEvent, { type: 'proposed' }>

const newNode = (nodes: readonly Node[], event: Proposed, at: number): Node => {
  if (placeOf(nodes, event.node) >= 0) throw new Error(`There is a node ${event.node} already`)
  if (event.step !== nodes.length + 1) {
    throw new Error(`Step ${event.step} does not follow step ${nodes.length}`)
  }
  if (event.node !== `node_${event.step}`) {
    throw new Error(`${event.node} is no name for the node of step ${event.step}`)
  }
  const [first] = event.parents.map((id) => nodes[knownPlace(nodes, id)])
  return {
    id: event.node,
    step: event.step,
    parents: event.parents,
    stage: event.stage,
    state: event.needsApproval ? 'waiting' : 'ready',
    plan: event.plan,
    code: event.code,
    author: event.author,
    calls: event.calls,
    createdAt: at,
    jobId: null,
    requeues: 0,
    run: null,
    verdict: null,
    debugDepth: first?.verdict?.isBuggy ? first.debugDepth + 1 : 0,
    isPinned: false,
    isPruned: false,
  }
}

/** Names of nodes tell their step, so that none has to be looked for. -1: there is none. */
const placeOf = (nodes: readonly Node[], id: string): number => {
  const place = Number(id.slice('node_'.length)) - 1
  return nodes[place]?.id === id ? place : -1
}

const knownPlace = (nodes: readonly Node[], id: string): number => {
  const place = placeOf(nodes, id)
  if (place < 0) throw new Error(`There is no node ${id}`)
  return place
}

const changeNode = ({ nodes }: Draft, id: string, changed: (node: Node) => Partial<Node>): void => {
  const place = knownPlace(nodes, id)
  const node = nodes[place] as Node
  nodes[place] = Object.assign({ ...node }, changed(node))
}

/** A node under one that is left out went with it, and comes back with it. */
const pruned = ({ nodes }: Draft, node: Node, isPruned: boolean): Partial<Node> => {
  if (!isPruned) return { isPruned, prunedWith: null }
  const [first] = node.parents
  const parent = first === undefined ? undefined : nodes[placeOf(nodes, first)]
  return { isPruned, prunedWith: parent?.prunedWith ?? node.id }
}

const expected = (node: Node, from: Node['state'], to: Node['state']): Node['state'] => {
  if (node.state === from) return to
  throw new Error(`${node.id} is ${node.state}, not ${from}`)
}
