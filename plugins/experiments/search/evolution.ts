/** Evolution: the good are a population; tournaments choose parents, sometimes two of them. */
import { goodNodes } from '../journal/good.ts'
import type { Node } from '../journal/node.ts'
import type { Action, Policy, Random, SearchState } from './policy.ts'
import { choice } from './random.ts'
import { rewardsOf } from './reward.ts'
import { debuggable, roots } from './tree.ts'

/** Best nodes that have descendants. */
const populationSize = 10
const tournamentSize = 3
/** Nodes of a generation; crossover begins after two of them (AIRA). */
const generationSize = 5
const crossoverProb = 0.5

export const evolution: Policy = {
  name: 'evolution',
  next({ journal, settings }: SearchState, random: Random): Action {
    if (roots(journal.nodes).length < settings.numDrafts) return { kind: 'draft' }
    if (random() < settings.debugProb) {
      const broken = debuggable(journal.nodes, settings.maxDebugDepth)
      if (broken.length > 0) return { kind: 'debug', parent: choice(broken, random).id }
    }
    const rewards = rewardsOf(journal)
    const worth = (node: Node): number => rewards.get(node.id) ?? 0
    const population = goodNodes(journal)
      .sort(
        (a, b) => Number(b.isPinned) - Number(a.isPinned) || worth(b) - worth(a) || a.step - b.step,
      )
      .slice(0, populationSize)
    if (population.length === 0) return { kind: 'draft' }
    const first = tournament(population, worth, random)
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
