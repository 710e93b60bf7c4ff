/** Nodes that are being written: the policy sees them in the journal as if they were there. */
import type { Journal } from '../journal/journal.ts'
import type { Node, Stage } from '../journal/node.ts'
import type { Action } from '../search/policy.ts'

export const parentsOf = (action: Action): readonly string[] => {
  if (action.kind === 'draft') return []
  return action.kind === 'fuse' ? action.parents : [action.parent]
}

/** A node without code stands for each action whose program is not there yet. */
export const withPending = (journal: Journal, actions: Iterable<Action>): Journal => {
  const nodes = [...journal.nodes]
  for (const action of actions) nodes.push(placeholder(nodes.length + 1, action, nodes))
  return { ...journal, nodes }
}

const placeholder = (step: number, action: Action, nodes: readonly Node[]): Node => {
  const parents = parentsOf(action)
  const parent = nodes.find(({ id }) => id === parents[0])
  return {
    id: `pending_${step}`,
    step,
    parents,
    stage: action.kind satisfies Stage,
    state: 'ready',
    plan: '',
    code: '',
    author: '',
    calls: [],
    createdAt: 0,
    jobId: null,
    requeues: 0,
    run: null,
    verdict: null,
    debugDepth: parent?.verdict?.isBuggy ? parent.debugDepth + 1 : 0,
    isPinned: false,
    isPruned: false,
  }
}
