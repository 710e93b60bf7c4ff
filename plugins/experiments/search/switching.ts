/** Changes the way of searching: late in the experiment, and when nothing gets better any more. */
import { ranked } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'
import type { ExperimentSettings } from '../settings.ts'
import { greedy } from './greedy.ts'
import type { Action, Policy, Random, SearchState } from './policy.ts'
import { choice } from './random.ts'

/** The best so many are what the end of an experiment works on. */
const topNodes = 3

type Search = ExperimentSettings['search']

/** `policy` with its phases; `greedy` without a rule of stagnation stays exactly AIDE's. */
export const switching = (policy: Policy, { stagnation, exploitAfter }: Search): Policy => ({
  name: policy.name,
  next(state: SearchState, random: Random): Action {
    const { journal, elapsedShare } = state
    const isLate = policy !== greedy && elapsedShare >= exploitAfter
    const action = (isLate ? greedy : policy).next(state, random)
    const isStale = stagnation !== null && stepsWithoutGain(journal) >= stagnation
    return isStale && action.kind === 'improve' && !isPinned(journal, action.parent)
      ? leap(state, random)
      : action
  },
})

const isPinned = ({ nodes }: Journal, id: string): boolean =>
  nodes.some((node) => node.id === id && node.isPinned)

/** Finished steps since the best node. */
export const stepsWithoutGain = (journal: Journal): number => {
  const best = ranked(journal)[0]
  if (!best) return 0
  return journal.nodes.filter(({ state, step }) => state === 'finished' && step > best.step).length
}

/** In the place of one more change: a new draft, or two good programs that are not one yet. */
const leap = (state: SearchState, random: Random): Action => {
  const top = ranked(state.journal).slice(0, topNodes)
  if (top.length < 2 || random() < 0.5) return { kind: 'draft' }
  const first = choice(top, random)
  const partners = top.filter((node) => node !== first && !areFused(state.journal, first, node))
  if (partners.length === 0) return { kind: 'draft' }
  return { kind: 'fuse', parents: [first.id, choice(partners, random).id] }
}

const areFused = ({ nodes }: Journal, a: Node, b: Node): boolean =>
  nodes.some(({ parents }) => parents.includes(a.id) && parents.includes(b.id))
