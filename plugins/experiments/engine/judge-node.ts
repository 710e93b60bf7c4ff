/** Has a node's run read by the reviewer, looked through for leaks, and scored. */
import type { Node, Run } from '../journal/node.ts'
import type { ProposeContext, Proposer, Review } from '../propose/proposer.ts'
import type { Referee } from '../scoring/referee.ts'
import type { Judged } from './conductor-options.ts'
import type { Groundwork } from './groundwork.ts'
import { judge } from './judge.ts'

export interface JudgeNodeOptions {
  readonly referee: Referee
  readonly proposer: Proposer
  readonly groundwork: Groundwork
}

export const judgeNode = async (
  { referee, proposer, groundwork }: JudgeNodeOptions,
  node: Node,
  run: Run,
  context: ProposeContext,
  maximize: boolean | null,
): Promise<Judged> => {
  const review = neverRan.has(run.failure ?? '')
    ? unread
    : await proposer.review(node, run, context)
  const verdict = await judge(
    { referee, task: groundwork.task, prepared: groundwork.prepared },
    node,
    run,
    review,
    maximize,
  )
  return { verdict, lowerIsBetter: review.lowerIsBetter }
}

/** There is nothing that a reviewer could read. */
const neverRan: ReadonlySet<string> = new Set(['cancelled', 'lost', 'refused', 'no_code'])

const unread: Review = {
  isBug: true,
  summary: 'The program did not run to its end.',
  metric: null,
  lowerIsBetter: null,
  calls: [],
}
