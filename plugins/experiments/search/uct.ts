/** Monte Carlo tree search over programs: good branches more often, neglected ones now and then. */
import { isBuggy, isGood } from '../journal/good.ts'
import type { Node } from '../journal/node.ts'
import type { Action, Policy, Random, SearchState } from './policy.ts'
import { failureReward, rewardsOf } from './reward.ts'
import { childrenOf, preferred, roots } from './tree.ts'

/** Improvements of one node before the search goes on below it. */
const maxImprovements = 3
const maxRepairs = 1

/** Exploration falls from the first to the second while the experiment goes on (MLEvolve). */
const explorationAt = (elapsedShare: number): number => 1.414 + (0.5 - 1.414) * elapsedShare

interface Branch {
  /** Nodes of the branch that count, those in flight included. */
  visits: number
  reward: number
}

/**
 * Selection by the upper confidence bound (Kocsis and Szepesvári, 2006) over rewards normalised to
 * 0..1. A node in flight counts as a visit with the reward of a failure, so that workers spread.
 */
export const uct: Policy = {
  name: 'uct',
  next({ journal, settings, elapsedShare }: SearchState, random: Random): Action {
    const nodes = journal.nodes.filter(({ isPruned }) => !isPruned)
    const tops = roots(nodes)
    if (tops.length < settings.numDrafts) return { kind: 'draft' }
    const pinned = preferred(journal)
    if (pinned?.isPinned) return { kind: 'improve', parent: pinned.id }
    const children = childrenOf(nodes)
    const rewards = rewardsOf(journal)
    const branches = new Map<string, Branch>()
    for (const top of tops) measure(top, children, rewards, branches)
    const c = explorationAt(elapsedShare)
    let level: readonly Node[] = tops
    let visits = nodes.length
    for (;;) {
      const open = level.filter((node) => hasRoom(node, children, settings.maxDebugDepth))
      if (open.length === 0) return { kind: 'draft' }
      const node = bestBy(open, (one) => bound(branches.get(one.id), visits, c), random)
      const below = (children.get(node.id) ?? []).filter((one) =>
        hasRoom(one, children, settings.maxDebugDepth),
      )
      const isWide = own(node, children).length >= widthOf(node)
      if (!isWide) return { kind: isBuggy(node) ? 'debug' : 'improve', parent: node.id }
      if (below.length === 0) return { kind: 'draft' }
      level = below
      visits = branches.get(node.id)?.visits ?? 1
    }
  },
}

const widthOf = (node: Node): number => (isBuggy(node) ? maxRepairs : maxImprovements)

/** Children of which this node is the first parent. */
const own = (node: Node, children: ReadonlyMap<string, readonly Node[]>): readonly Node[] =>
  (children.get(node.id) ?? []).filter(({ parents }) => parents[0] === node.id)

/** Whether anything below the node, itself included, may be worked on. */
const hasRoom = (
  node: Node,
  children: ReadonlyMap<string, readonly Node[]>,
  maxDebugDepth: number,
): boolean => {
  if (node.state !== 'finished') return false
  const mine = own(node, children)
  if (isBuggy(node)) {
    if (mine.length === 0) return node.debugDepth <= maxDebugDepth
  } else if (isGood(node) && mine.length < maxImprovements) return true
  return mine.some((child) => hasRoom(child, children, maxDebugDepth))
}

const measure = (
  node: Node,
  children: ReadonlyMap<string, readonly Node[]>,
  rewards: ReadonlyMap<string, number | null>,
  branches: Map<string, Branch>,
): Branch => {
  const branch = { visits: 1, reward: rewards.get(node.id) ?? failureReward }
  for (const child of own(node, children)) {
    const below = measure(child, children, rewards, branches)
    branch.visits += below.visits
    branch.reward += below.reward
  }
  branches.set(node.id, branch)
  return branch
}

const bound = (branch: Branch | undefined, parentVisits: number, c: number): number => {
  if (!branch) return Number.POSITIVE_INFINITY
  const { visits, reward } = branch
  return reward / visits + c * Math.sqrt(Math.log(Math.max(1, parentVisits)) / visits)
}

/** Of equal ones any. */
const bestBy = (nodes: readonly Node[], value: (node: Node) => number, random: Random): Node => {
  const draw = random()
  const scored = nodes.map((node) => ({ node, value: value(node) }))
  const top = Math.max(...scored.map((one) => one.value))
  const best = scored.filter((one) => one.value === top)
  return (best[Math.floor(draw * best.length)] ?? best[0])!.node
}
