/** AIDE's own search: some drafts, now and then a repair, and otherwise always the best node. */
import { opening } from './opening.ts'
import type { Action, Policy, Random, SearchState } from './policy.ts'
import { preferred } from './tree.ts'

/**
 * The rules and the order of the draws are those of AIDE's `search_policy` (WecoAI/aideml,
 * aide/agent.py). Nodes in flight count as drafts and as children, which AIDE never has.
 */
export const greedy: Policy = {
  name: 'greedy',
  next(state: SearchState, random: Random): Action {
    const first = opening(state, random)
    if (first) return first
    const parent = preferred(state.journal)
    return parent ? { kind: 'improve', parent: parent.id } : { kind: 'draft' }
  },
}
