/** A node that is made of stored predictions: no program of its own, and no run. */
import type { Blobs } from '../../../src/sdk.ts'
import type { JournalEvent } from '../journal/events.ts'
import { apply } from '../journal/fold.ts'
import { ranked } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptFile, Node, Run, Verdict } from '../journal/node.ts'
import type { Judgement, Referee } from '../scoring/referee.ts'
import { blendStored, type StoredPredictions } from '../scoring/stored-predictions.ts'
import type { Groundwork } from './groundwork.ts'
import { notRun } from './without-code.ts'

export interface BlendOptions {
  readonly blobs: Blobs
  readonly referee: Referee
  readonly groundwork: Groundwork
}

export interface Blend {
  readonly node: Node
  readonly events: readonly JournalEvent[]
}

/** Null when it is no better on the rows that decide. */
export const blend = async (options: BlendOptions, journal: Journal): Promise<Blend | null> => {
  const { blobs, referee, groundwork } = options
  const { task, prepared } = groundwork
  if (!task || !prepared) return null
  const stored = ranked(journal).flatMap((node): StoredPredictions[] => {
    const predictions = node.verdict?.predictions
    return predictions && node.stage !== 'ensemble' ? [{ node: node.id, predictions }] : []
  })
  if (stored.length < 2) return null
  const found = await blendStored(blobs, task, prepared, stored)
  if (!found?.isBetter || found.weights.length < 2) return null
  const judgement = await referee.judge(task, prepared, found.submission)
  if (judgement.metric === null) return null
  const parts = found.weights.map(({ node, weight }) => `${node} × ${shown(weight)}`)
  const plan = `A weighted mean of stored predictions, no program of its own: ${parts.join(', ')}.`
  const parents = found.weights.map(({ node }) => node)
  return blendedNode(journal, parents, plan, found.submission, judgement)
}

const shown = (weight: number): number => Number(weight.toPrecision(6))

const blendedNode = (
  journal: Journal,
  parents: readonly string[],
  plan: string,
  submission: KeptFile,
  { metric, selectionMetric, interval, warnings }: Judgement,
): Blend => {
  const step = journal.nodes.length + 1
  const node = `node_${step}`
  const run: Run = { ...notRun, artifacts: [submission] }
  const verdict: Verdict = {
    isBuggy: false,
    failure: null,
    metric,
    metricSource: 'server',
    reportedMetric: null,
    selectionMetric,
    interval,
    analysis: plan,
    warnings,
    predictions: submission,
  }
  const events: readonly JournalEvent[] = [
    { type: 'extended', steps: 1 },
    {
      type: 'proposed',
      node,
      step,
      parents,
      stage: 'ensemble',
      plan,
      code: '',
      author: 'built-in',
      calls: [],
      needsApproval: false,
    },
    { type: 'finished', node, run, verdict },
  ]
  const after = events.reduce(
    (before, event) => apply(before, { seq: before.version + 1, at: 0, event }),
    journal,
  )
  return { node: after.nodes.at(-1)!, events }
}
