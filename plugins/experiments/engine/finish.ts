/** The end of an experiment: a blend of what there is, runs with other seeds, and a choice. */
import type { Blobs, Who } from '../../../src/sdk.ts'
import type { StepExecutor } from '../execution/executor.ts'
import type { Experiment } from '../experiment.ts'
import type { JournalEvent } from '../journal/events.ts'
import { goodNodes, ranked } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptFile, Node, Run, Verdict } from '../journal/node.ts'
import { factualReport } from '../results/report.ts'
import { type Candidate, chooseFinal, pickFinalists, type Rerun } from '../scoring/final.ts'
import type { Referee } from '../scoring/referee.ts'
import {
  blendStored,
  compareStored,
  type StoredPredictions,
} from '../scoring/stored-predictions.ts'
import { stepRequest } from './step-request.ts'
import type { Groundwork } from './groundwork.ts'
import { submissionPath } from './judge.ts'

export interface FinishOptions {
  readonly experiment: Experiment
  readonly owner: Who
  readonly groundwork: Groundwork
  readonly executor: StepExecutor
  readonly referee: Referee
  readonly blobs: Blobs
  /** Markdown by a model; null: there is none to ask, or it gave none. */
  writeReport(journal: Journal, best: Node | null): Promise<string | null>
}

/** What is to be added to the journal: the blend, if it is worth keeping, and the choice. */
export const finishExperiment = async (
  options: FinishOptions,
  journal: Journal,
  signal: AbortSignal,
): Promise<readonly JournalEvent[]> => {
  const { experiment } = options
  const maximize = journal.maximize ?? options.groundwork.task?.maximize ?? true
  const finalists = pickFinalists(goodNodes(journal), maximize, experiment.settings.finalists)
  const candidates: Candidate[] = []
  for (const node of finalists) {
    candidates.push(candidateOf(node, await rerun(options, node, signal)))
    if (signal.aborted) return []
  }
  const blended = experiment.settings.ensemble ? await blend(options, journal) : null
  if (blended) candidates.push(candidateOf(blended.node, []))
  const nodes = blended ? [...journal.nodes, blended.node] : journal.nodes
  const choice = await chooseFinal({
    candidates,
    maximize,
    baseline: baselineOf(journal, candidates),
    compare: (before, after) => compare(options, nodes, before, after),
  })
  const best = nodes.find(({ id }) => id === choice.best) ?? null
  const report = await reportOf(options, { ...journal, nodes }, choice, best)
  return [...(blended?.events ?? []), { type: 'completed', final: { ...choice, report } }]
}

const candidateOf = ({ id, verdict }: Node, reruns: readonly Rerun[]): Candidate => ({
  node: id,
  metric: verdict?.metric ?? Number.NaN,
  selectionMetric: verdict?.selectionMetric ?? null,
  interval: verdict?.interval ?? null,
  reruns,
})

/** The first good program is the simplest thing that worked. */
const baselineOf = (journal: Journal, candidates: readonly Candidate[]): Candidate | null => {
  const [first] = goodNodes(journal)
  if (!first) return null
  return candidates.find(({ node }) => node === first.id) ?? candidateOf(first, [])
}

/** The same program with other seeds. What fails or is not scored says nothing, and is left out. */
const rerun = async (options: FinishOptions, node: Node, signal: AbortSignal): Promise<Rerun[]> => {
  const { experiment, owner, groundwork, executor, referee } = options
  const { task, prepared } = groundwork
  if (!task || !prepared || node.code === '') return []
  const scores: Rerun[] = []
  const seeds = Array.from({ length: experiment.settings.reruns }, (_, i) => i + 1)
  const { workers } = experiment.settings
  const one = async (seed: number): Promise<Rerun | null> => {
    const attempt = `${node.id}+seed${seed}`
    const env = { HEARTH_SEED: String(experiment.settings.seed + seed) }
    const request = stepRequest(experiment, owner, groundwork, node, attempt, env)
    const run = await executor.run(request, async () => undefined, signal)
    if (run.failure !== null || signal.aborted) return null
    const found = run.artifacts.find(({ path }) => path === submissionPath) ?? null
    const { metric, selectionMetric } = await referee.judge(task, prepared, found)
    return metric === null ? null : { metric, selectionMetric }
  }
  for (let at = 0; at < seeds.length && !signal.aborted; at += workers) {
    const some = await Promise.all(seeds.slice(at, at + workers).map(one))
    scores.push(...some.filter((score) => score !== null))
  }
  return scores
}

const predictionsOf = (node: Node): KeptFile | null => node.verdict?.predictions ?? null

const compare = async (
  { blobs, groundwork: { task, prepared } }: FinishOptions,
  nodes: readonly Node[],
  before: string,
  after: string,
) => {
  const [a, b] = [before, after].map((id) => nodes.find((node) => node.id === id))
  const [first, second] = [a && predictionsOf(a), b && predictionsOf(b)]
  if (!task || !prepared || !first || !second) return null
  return compareStored(blobs, task, prepared, first, second)
}

interface Blended {
  readonly node: Node
  readonly events: readonly JournalEvent[]
}

/** A node made of stored predictions; null when it is no better on the rows that decide. */
const blend = async (options: FinishOptions, journal: Journal): Promise<Blended | null> => {
  const { blobs, referee, groundwork } = options
  const { task, prepared } = groundwork
  if (!task || !prepared) return null
  const stored = ranked(journal).flatMap((node): StoredPredictions[] => {
    const predictions = predictionsOf(node)
    return predictions && node.stage !== 'ensemble' ? [{ node: node.id, predictions }] : []
  })
  if (stored.length < 2) return null
  const blended = await blendStored(blobs, task, prepared, stored)
  if (!blended?.isBetter || blended.weights.length < 2) return null
  const { metric, selectionMetric, interval, warnings } = await referee.judge(
    task,
    prepared,
    blended.submission,
  )
  if (metric === null) return null
  const step = journal.nodes.length + 1
  const id = `node_${step}`
  const parents = blended.weights.map(({ node }) => node)
  const parts = blended.weights.map(
    ({ node, weight }) => `${node} × ${Number(weight.toPrecision(6))}`,
  )
  const plan = `A weighted mean of stored predictions, no program of its own: ${parts.join(', ')}.`
  const common = {
    step,
    parents,
    stage: 'ensemble',
    plan,
    code: '',
    author: 'built-in',
    calls: [],
  } as const
  const run: Run = {
    jobId: null,
    execTimeS: 0,
    exitCode: null,
    signal: null,
    output: { head: '', tail: '', omittedBytes: 0, totalBytes: 0 },
    exception: null,
    failure: null,
    message: null,
    peakMemoryBytes: null,
    artifacts: [blended.submission],
  }
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
    predictions: blended.submission,
  }
  return {
    node: {
      ...common,
      id,
      state: 'finished',
      createdAt: 0,
      jobId: null,
      requeues: 0,
      run,
      verdict,
      debugDepth: 0,
      isPinned: false,
      isPruned: false,
    },
    events: [
      { type: 'proposed', node: id, ...common, needsApproval: false },
      { type: 'finished', node: id, run, verdict },
      { type: 'extended', steps: 1 },
    ],
  }
}

const reportOf = async (
  { experiment, groundwork, blobs, writeReport }: FinishOptions,
  journal: Journal,
  choice: Parameters<typeof factualReport>[2],
  best: Node | null,
): Promise<KeptFile | null> => {
  if (!experiment.settings.report) return null
  const { task, prepared } = groundwork
  const facts = factualReport({ ...experiment, task, prepared }, journal, choice)
  const written = await writeReport(journal, best)
  const text = written === null ? facts : `${written}\n\n---\n\n${facts}`
  const bytes = new TextEncoder().encode(text)
  return { path: 'report.md', ...(await blobs.put(new Blob([bytes]).stream())) }
}
