/** Adds events up to a journal: pure, one event after another, no journal is ever changed. */
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

/** @throws Error for an event that cannot follow: the stored journal is broken */
export const fold = (journal: Journal, events: readonly StoredEvent[]): Journal =>
  events.reduce(apply, journal)

export const apply = (journal: Journal, stored: StoredEvent): Journal => {
  if (stored.seq !== journal.version + 1) {
    throw new Error(`Event ${stored.seq} does not follow event ${journal.version}`)
  }
  return { ...change(journal, stored), version: stored.seq }
}

const change = (journal: Journal, { event, at, seq }: StoredEvent): Journal => {
  switch (event.type) {
    case 'started':
      return {
        ...journal,
        startedAt: journal.startedAt ?? at,
        endedAt: null,
        final: null,
        runningSince: journal.isPaused ? null : at,
      }
    case 'proposed':
      return { ...journal, nodes: [...journal.nodes, newNode(journal, event, at)] }
    case 'approved':
      return withNode(journal, event.node, seq, (node) => ({
        ...node,
        state: expected(node, 'waiting', 'ready'),
        code: event.code ?? node.code,
      }))
    case 'running':
      return withNode(journal, event.node, seq, (node) => ({
        ...node,
        state: node.state === 'running' ? 'running' : expected(node, 'ready', 'running'),
        jobId: event.jobId,
      }))
    case 'requeued':
      return withNode(journal, event.node, seq, (node) => ({
        ...node,
        state: expected(node, 'running', 'ready'),
        jobId: null,
        requeues: node.requeues + 1,
      }))
    case 'finished':
      return withNode(journal, event.node, seq, (node) => {
        if (node.state === 'finished') throw new Error(`${node.id} has finished before`)
        const { run, verdict } = event
        return { ...node, state: 'finished', run, verdict, jobId: run.jobId ?? node.jobId }
      })
    case 'pinned':
      return withNode(journal, event.node, seq, (node) => ({ ...node, isPinned: event.isPinned }))
    case 'pruned':
      return withNode(journal, event.node, seq, (node) => ({ ...node, isPruned: event.isPruned }))
    case 'instructed':
      return { ...journal, instructions: [...journal.instructions, event.text] }
    case 'paused':
      return { ...journal, ...atRest(journal, at), isPaused: true }
    case 'resumed':
      return { ...journal, isPaused: false, runningSince: isBegun(journal) ? at : null }
    case 'extended':
      return { ...journal, totalSteps: journal.totalSteps + event.steps }
    case 'directed':
      return { ...journal, maximize: journal.maximize ?? event.maximize }
    case 'noted':
      return { ...journal, notes: [...journal.notes, event.text] }
    case 'stopped':
    case 'failed':
      return { ...journal, ...atRest(journal, at), endedAt: at, isPaused: false }
    case 'completed':
      return {
        ...journal,
        ...atRest(journal, at),
        endedAt: at,
        isPaused: false,
        final: event.final,
      }
  }
}

const isBegun = ({ startedAt, endedAt }: Journal): boolean => startedAt !== null && endedAt === null

/** The time it ran is counted up to now. */
const atRest = ({ ranMs, runningSince }: Journal, at: number) => ({
  ranMs: ranMs + (runningSince === null ? 0 : at - runningSince),
  runningSince: null,
})

type Proposed = Extract<JournalEvent, { type: 'proposed' }>

const newNode = ({ nodes }: Journal, event: Proposed, at: number): Node => {
  if (event.step !== nodes.length + 1) {
    throw new Error(`Step ${event.step} does not follow step ${nodes.length}`)
  }
  const [first] = event.parents.map((id) => nodeIn(nodes, id))
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

const nodeIn = (nodes: readonly Node[], id: string): Node => {
  const node = nodes.find((one) => one.id === id)
  if (!node) throw new Error(`There is no node ${id}`)
  return node
}

const withNode = (
  journal: Journal,
  id: string,
  seq: number,
  changed: (node: Node) => Node,
): Journal => {
  const before = nodeIn(journal.nodes, id)
  try {
    const after = changed(before)
    return { ...journal, nodes: journal.nodes.map((node) => (node === before ? after : node)) }
  } catch (error) {
    throw new Error(`Event ${seq}: ${(error as Error).message}`)
  }
}

const expected = (node: Node, from: Node['state'], to: Node['state']): Node['state'] => {
  if (node.state === from) return to
  throw new Error(`${node.id} is ${node.state}, not ${from}`)
}
