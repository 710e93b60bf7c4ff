/** Changes the way of searching: late in the experiment, and when nothing gets better any more. */
import { ranked } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
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
    if (stagnation !== null && stepsWithoutGain(journal) >= stagnation) return leap(state, random)
    const isLate = policy !== greedy && elapsedShare >= exploitAfter
    return isLate ? greedy.next(state, random) : policy.next(state, random)
  },
})

/** Finished steps since the best node. */
export const stepsWithoutGain = (journal: Journal): number => {
  const best = ranked(journal)[0]
  if (!best) return 0
  return journal.nodes.filter(({ state, step }) => state === 'finished' && step > best.step).length
}

/** Something else than one more change to the best: a new draft, or two good programs in one. */
const leap = (state: SearchState, random: Random): Action => {
  const top = ranked(state.journal).slice(0, topNodes)
  if (top.length < 2 || random() < 0.5) return { kind: 'draft' }
  const first = choice(top, random)
  const second = choice(
    top.filter((node) => node !== first),
    random,
  )
  return { kind: 'fuse', parents: [first.id, second.id] }
}
