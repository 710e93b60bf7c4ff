/**
 * Evolution: the good are a population; tournaments choose parents, sometimes two of them. While
 * nodes are pinned, the first parent is one of those.
 */
import { ranked } from '../journal/good.ts'
import type { Node } from '../journal/node.ts'
import { opening } from './opening.ts'
import type { Action, Policy, Random, SearchState } from './policy.ts'
import { choice } from './random.ts'
import { rewardsOf } from './reward.ts'

/** Best nodes that may have descendants; pinned ones come before them. */
const populationSize = 10
const tournamentSize = 3
/** Nodes of a generation; crossover begins after two of them (AIRA). */
const generationSize = 5
const crossoverProb = 0.5

export const evolution: Policy = {
  name: 'evolution',
  next(state: SearchState, random: Random): Action {
    const { journal } = state
    const begun = opening(state, random)
    if (begun) return begun
    const rewards = rewardsOf(journal)
    const worth = (node: Node): number => rewards.get(node.id) ?? 0
    const good = ranked(journal)
    const pinned = good.filter(({ isPinned }) => isPinned)
    const population = [...new Set([...pinned, ...good])].slice(0, populationSize)
    if (population.length === 0) return { kind: 'draft' }
    const first = tournament(pinned.length > 0 ? pinned : population, worth, random)
    const mayCross = journal.nodes.length >= 2 * generationSize && population.length > 1
    if (!mayCross || random() >= crossoverProb) return { kind: 'improve', parent: first.id }
    const others = population.filter((node) => node !== first)
    const second = tournament(others, worth, random)
    return { kind: 'fuse', parents: [first.id, second.id] }
  },
}

const tournament = (
  population: readonly Node[],
  worth: (node: Node) => number,
  random: Random,
): Node => {
  let best = choice(population, random)
  for (let i = 1; i < tournamentSize; i++) {
    const other = choice(population, random)
    if (worth(other) > worth(best)) best = other
  }
  return best
}
