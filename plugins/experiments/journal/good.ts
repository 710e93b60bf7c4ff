/** Which nodes are good, and which one is best: questions that everybody asks of a journal. */
import type { Journal } from './journal.ts'
import type { Node } from './node.ts'

/** Has a score to be compared by. */
export const isGood = ({ state, verdict, isPruned }: Node): boolean =>
  state === 'finished' &&
  !isPruned &&
  verdict !== null &&
  !verdict.isBuggy &&
  verdict.metric !== null &&
  Number.isFinite(verdict.metric)

export const isBuggy = ({ state, verdict }: Node): boolean =>
  state === 'finished' && verdict !== null && verdict.isBuggy

export const goodNodes = ({ nodes }: Journal): Node[] => nodes.filter(isGood)

/** Good nodes, best first; of equal ones the earlier first. */
export const ranked = (journal: Journal): Node[] => {
  const sign = journal.maximize === false ? 1 : -1
  const metric = (node: Node): number => node.verdict?.metric ?? Number.NaN
  return goodNodes(journal).sort((a, b) => sign * (metric(a) - metric(b)) || a.step - b.step)
}

/** The best by score; the one that the end of the experiment chose, once it did. */
export const bestOf = (journal: Journal): Node | null => {
  const chosen = journal.final?.best
  const found = chosen && journal.nodes.find(({ id }) => id === chosen)
  return found || (ranked(journal)[0] ?? null)
}
