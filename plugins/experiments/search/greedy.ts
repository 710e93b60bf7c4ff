/** AIDE's own search: some drafts, now and then a repair, and otherwise always the best node. */
import { ranked } from '../journal/good.ts'
import type { Action, Policy, Random, SearchState } from './policy.ts'
import { choice } from './random.ts'
import { debuggable, roots } from './tree.ts'

/**
 * The rules and the order of the draws are those of AIDE's `search_policy` (WecoAI/aideml,
 * aide/agent.py). Nodes in flight count as drafts and as children, which AIDE never has.
 */
export const greedy: Policy = {
  name: 'greedy',
  next({ journal, settings }: SearchState, random: Random): Action {
    if (roots(journal.nodes).length < settings.numDrafts) return { kind: 'draft' }
    if (random() < settings.debugProb) {
      const broken = debuggable(journal.nodes, settings.maxDebugDepth)
      if (broken.length > 0) return { kind: 'debug', parent: choice(broken, random).id }
    }
    const best = ranked(journal)
    const parent = best.find(({ isPinned }) => isPinned) ?? best[0]
    return parent ? { kind: 'improve', parent: parent.id } : { kind: 'draft' }
  },
}
