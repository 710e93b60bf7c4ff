/** What a user may do to an experiment, as events: pure, refused with a sentence that says why. */
import { HearthError } from '../../../src/sdk.ts'
import type { JournalEvent } from '../journal/events.ts'
import { isGood } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node, Stage } from '../journal/node.ts'

/** Steps that all extensions together may come to. */
export const maxSteps = 10_000
const maxInstructions = 100

const conflict = (message: string): HearthError => new HearthError('conflict', message)

const nodeOf = ({ nodes }: Journal, id: string): Node => {
  const node = nodes.find((one) => one.id === id)
  if (!node) throw new HearthError('not_found', `There is no node ${id}`)
  return node
}

export const pause = ({ isPaused, endedAt }: Journal): JournalEvent[] => {
  if (endedAt !== null) throw conflict('The experiment has ended')
  return isPaused ? [] : [{ type: 'paused' }]
}

export const resume = ({ isPaused, endedAt }: Journal): JournalEvent[] => {
  if (endedAt !== null) throw conflict('The experiment has ended; start it to go on')
  if (!isPaused) throw conflict('The experiment is not paused')
  return [{ type: 'resumed' }]
}

export const extend =
  (steps: number) =>
  ({ totalSteps }: Journal): JournalEvent[] => {
    if (totalSteps + steps > maxSteps) {
      throw conflict(`An experiment has at most ${maxSteps} steps; this one has ${totalSteps}`)
    }
    return [{ type: 'extended', steps }]
  }

export const instruct =
  (text: string) =>
  ({ instructions }: Journal): JournalEvent[] => {
    if (instructions.length >= maxInstructions) {
      throw conflict(`There are ${maxInstructions} instructions already`)
    }
    return [{ type: 'instructed', text }]
  }

export const pin =
  (id: string, isPinned: boolean) =>
  (journal: Journal): JournalEvent[] => {
    const node = nodeOf(journal, id)
    if (isPinned && !isGood(node)) throw conflict(`${id} has no score: only good nodes are pinned`)
    return node.isPinned === isPinned ? [] : [{ type: 'pinned', node: id, isPinned }]
  }

/** A pruned node takes what came of it along, and brings back what went with it. */
export const prune =
  (id: string, isPruned: boolean) =>
  (journal: Journal): JournalEvent[] => {
    const top = nodeOf(journal, id)
    const ids = new Set([top.id])
    for (const { id: child, parents } of journal.nodes) {
      if (parents[0] !== undefined && ids.has(parents[0])) ids.add(child)
    }
    return journal.nodes
      .filter((node) => ids.has(node.id) && node.isPruned !== isPruned)
      .filter((node) => isPruned || node.prunedWith === top.prunedWith)
      .map((node) => ({ type: 'pruned', node: node.id, isPruned }))
  }

export const approve =
  (id: string, code: string | undefined) =>
  (journal: Journal): JournalEvent[] => {
    const node = nodeOf(journal, id)
    if (journal.endedAt !== null) throw conflict('The experiment has ended; start it to go on')
    if (node.isPruned) throw conflict(`${id} is left out of the search; bring it back first`)
    if (node.state !== 'waiting') throw conflict(`${id} does not wait for approval`)
    return [{ type: 'approved', node: id, ...(code !== undefined && { code }) }]
  }

/** Has the search go on from a node: nothing else is pinned, and there are steps for it. */
export const branch =
  (id: string, steps: number) =>
  (journal: Journal): JournalEvent[] => {
    const others = journal.nodes.filter((node) => node.isPinned && node.id !== id)
    return [
      ...others.map((node): JournalEvent => ({ type: 'pinned', node: node.id, isPinned: false })),
      ...pin(id, true)(journal),
      ...extend(steps)(journal),
    ]
  }

export interface GivenNode {
  readonly parents: readonly string[]
  readonly stage: Extract<Stage, 'human' | 'seed'>
  readonly plan: string
  readonly code: string
  readonly author: string
}

/** Programs of users come on top of the steps that were asked for. */
export const addNodes =
  (given: readonly GivenNode[], parentsAre: 'there' | 'new' = 'there') =>
  (journal: Journal): JournalEvent[] => {
    if (parentsAre === 'there') {
      for (const { parents } of given) for (const id of parents) nodeOf(journal, id)
    }
    const first = journal.nodes.length + 1
    const proposed = given.map((one, i): JournalEvent => ({
      type: 'proposed',
      node: `node_${first + i}`,
      step: first + i,
      calls: [],
      needsApproval: false,
      ...one,
    }))
    return [...extend(given.length)(journal), ...proposed]
  }
