/** The program of a node, as it is handed out. */
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'
import type { Task } from '../scoring/task.ts'
import { ensembleProgram } from './ensemble-program.ts'

/** A blend has no code of its own: it is written down as a program that runs its parts. */
export const solutionOf = (node: Node, journal: Journal, task: Task | null): string => {
  if (node.stage !== 'ensemble' || !task) return node.code
  const weights = weightsIn(node.plan)
  const parts = journal.nodes.flatMap(({ id, code }) => {
    const weight = weights.get(id)
    return weight === undefined ? [] : [{ node: id, weight, code }]
  })
  return ensembleProgram(task.metric, parts)
}

/** As the plan of a blend names them: `node_3 × 0.25`. */
const weightsIn = (plan: string): ReadonlyMap<string, number> =>
  new Map([...plan.matchAll(/(node_\d+) × ([\d.]+)/g)].map(([, id, share]) => [id!, Number(share)]))
