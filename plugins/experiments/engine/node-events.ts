/** What is added to the journal of a node: pure, decided on the journal as it is by then. */
import type { JournalEvent } from '../journal/events.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node, Run } from '../journal/node.ts'
import type { Proposal } from '../propose/proposer.ts'
import type { Action } from '../search/policy.ts'
import type { Judged } from './conductor-options.ts'
import { parentsOf } from './pending.ts'
import { withoutCode } from './without-code.ts'

const nodeIn = ({ nodes }: Journal, id: string): Node | undefined =>
  nodes.find((node) => node.id === id)

export const proposed =
  (action: Action, { plan, code, problem, author, calls }: Proposal, needsApproval: boolean) =>
  (journal: Journal): JournalEvent[] => {
    const step = journal.nodes.length + 1
    const node = `node_${step}`
    const parents = parentsOf(action)
    const hasCode = code !== ''
    const events: JournalEvent[] = [
      {
        type: 'proposed',
        node,
        step,
        parents,
        stage: action.kind,
        plan,
        code,
        author,
        calls,
        needsApproval: needsApproval && hasCode,
      },
    ]
    if (!hasCode) events.push(withoutCode(node, problem ?? 'There is no program in it'))
    // While it was written its parent was left out of the search, and what comes of it with it.
    if (parents[0] !== undefined && nodeIn(journal, parents[0])?.isPruned) {
      events.push({ type: 'pruned', node, isPruned: true })
    }
    return events
  }

export const running =
  (id: string, jobId: string) =>
  (journal: Journal): JournalEvent[] =>
    nodeIn(journal, id)?.jobId === jobId ? [] : [{ type: 'running', node: id, jobId }]

/** Stopped, not finished: whoever goes on begins it anew. */
export const requeued =
  (id: string) =>
  (journal: Journal): JournalEvent[] =>
    nodeIn(journal, id)?.state === 'running' ? [{ type: 'requeued', node: id }] : []

/** The first review that names a direction gives it to the experiment. */
export const finished =
  (id: string, run: Run, { verdict, lowerIsBetter }: Judged) =>
  (journal: Journal): JournalEvent[] => {
    if (nodeIn(journal, id)?.state === 'finished') return []
    const isFirst = journal.maximize === null && lowerIsBetter !== null && verdict.metric !== null
    const directed: JournalEvent[] = isFirst ? [{ type: 'directed', maximize: !lowerIsBetter }] : []
    return [...directed, { type: 'finished', node: id, run, verdict }]
  }
