/** The results that the last message of an experiment carries: whole if they are not too long. */
import { timeOf } from './dialect.ts'
import type { Experiment } from './experiment.ts'
import { bestOf } from './journal/good.ts'
import type { Journal } from './journal/journal.ts'
import { type NodeView, nodeViews } from './node-view.ts'

/** Output of a node that a message carries when there are many of them. */
const outputChars = 2_000

/** Common clients take messages of 1 MiB. */
const maxChars = 512 * 1024

export const resultsMessage = (
  { id, settings, createdAt }: Pick<Experiment, 'id' | 'settings' | 'createdAt'>,
  journal: Journal,
  status: string,
  endedAt: number,
) => {
  const best = bestOf(journal)
  const bestMetric = { value: best?.verdict?.metric ?? null, maximize: journal.maximize }
  const totalTime = (endedAt - (journal.startedAt ?? endedAt)) / 1000
  const completedAt = timeOf(endedAt)
  const nodes = bounded(nodeViews(journal))
  const results = {
    experimentId: id,
    status,
    bestSolution: best && { nodeId: best.id, code: best.code, metric: bestMetric },
    journal: {
      nodes,
      /** True: outputs, or programs too, are to be had from the REST interface only. */
      isShortened: nodes.some(({ isShortened }) => isShortened === true),
      bestMetric,
      totalTime,
      createdAt: timeOf(createdAt),
    },
    bestMetric,
    totalTime,
    config: settings,
    treeVisualization: `/api/experiments/${id}/tree.html`,
    completedAt,
  }
  return { bestMetric, totalTime, results }
}

interface Shortened extends NodeView {
  readonly isShortened?: boolean
}

const bounded = (nodes: readonly NodeView[]): readonly Shortened[] => {
  if (lengthOf(nodes) <= maxChars) return nodes
  const shorter = nodes.map((node) => {
    const text = node.termOut.join('')
    return text.length <= outputChars
      ? node
      : { ...node, termOut: [text.slice(-outputChars)], isShortened: true }
  })
  if (lengthOf(shorter) <= maxChars) return shorter
  const bare = nodes.map((node) => ({
    ...node,
    plan: node.plan.slice(0, 200),
    code: '',
    termOut: [],
    excStack: null,
    analysis: null,
    isShortened: true,
  }))
  // The latest, where even their bare facts are too long together.
  const room = Math.floor((maxChars / lengthOf(bare)) * bare.length * 0.8)
  return lengthOf(bare) <= maxChars ? bare : bare.slice(-room)
}

const lengthOf = (value: unknown): number => JSON.stringify(value).length
