/** How every search goes on before it looks for what to improve: AIDE's drafts and repairs. */
import type { Action, Random, SearchState } from './policy.ts'
import { choice } from './random.ts'
import { debuggable, roots } from './tree.ts'

/** null: there are drafts enough, and nothing is to be repaired now. */
export const opening = ({ journal, settings }: SearchState, random: Random): Action | null => {
  if (roots(journal.nodes).length < settings.numDrafts) return { kind: 'draft' }
  if (random() >= settings.debugProb) return null
  const broken = debuggable(journal.nodes, settings.maxDebugDepth)
  return broken.length > 0 ? { kind: 'debug', parent: choice(broken, random).id } : null
}
