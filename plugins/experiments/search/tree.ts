/** The tree as policies see it: who came from whom, and what may still be worked on. */
import { isBuggy, ranked } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'

export const childrenOf = (nodes: readonly Node[]): ReadonlyMap<string, readonly Node[]> => {
  const children = new Map<string, Node[]>()
  for (const node of nodes) {
    for (const parent of node.parents) {
      const siblings = children.get(parent)
      if (siblings) siblings.push(node)
      else children.set(parent, [node])
    }
  }
  return children
}

/** Buggy leaves that are not too many repairs deep: a failure gets one repair at a time. */
export const debuggable = (nodes: readonly Node[], maxDebugDepth: number): Node[] => {
  const children = childrenOf(nodes)
  return nodes.filter(
    (node) =>
      isBuggy(node) &&
      !node.isPruned &&
      node.debugDepth <= maxDebugDepth &&
      (children.get(node.id)?.length ?? 0) === 0,
  )
}

/** Nodes that begin a tree of their own, whatever became of them. */
export const roots = (nodes: readonly Node[]): Node[] =>
  nodes.filter(({ parents }) => parents.length === 0)

/** The best of the pinned nodes; the best of all when none is pinned; null: none is good. */
export const preferred = (journal: Journal): Node | null => {
  const best = ranked(journal)
  return best.find(({ isPinned }) => isPinned) ?? best[0] ?? null
}
