/** An experiment as a proposer sees it: the smallest one, and whatever a test adds to it. */
import { emptyJournal } from '../../../../plugins/experiments/journal/fold.ts'
import type { Node, Run, Verdict } from '../../../../plugins/experiments/journal/node.ts'
import type { ProposeContext } from '../../../../plugins/experiments/propose/proposer.ts'
import { randomFrom } from '../../../../plugins/experiments/search/random.ts'

export const contextOf = (
  experimentId: string,
  more: Partial<ProposeContext> = {},
): ProposeContext => ({
  experimentId,
  goal: 'Predict the price',
  evaluation: null,
  task: null,
  preview: null,
  journal: emptyJournal(10),
  timeoutS: 60,
  kFold: 1,
  exposePrediction: false,
  stepsLeft: 9,
  secondsLeft: null,
  packages: { numpy: '2.0.0', setuptools: '70' },
  step: 1,
  random: randomFrom(0, 1),
  signal: new AbortController().signal,
  ...more,
})

export const runOf = (printed: string, more: Partial<Run> = {}): Run => ({
  jobId: 'job_1',
  execTimeS: 1,
  exitCode: 0,
  signal: null,
  output: { head: printed, tail: '', omittedBytes: 0, totalBytes: printed.length },
  exception: null,
  failure: null,
  message: null,
  peakMemoryBytes: null,
  artifacts: [],
  ...more,
})

export const verdictOf = (more: Partial<Verdict> = {}): Verdict => ({
  isBuggy: false,
  failure: null,
  metric: 0.5,
  metricSource: 'reported',
  reportedMetric: 0.5,
  selectionMetric: null,
  interval: null,
  analysis: 'It works.',
  warnings: [],
  predictions: null,
  ...more,
})

export const nodeOf = (more: Partial<Node>): Node => ({
  id: 'node_1',
  step: 1,
  parents: [],
  stage: 'draft',
  state: 'running',
  plan: 'A forest.',
  code: 'print("metric: 0.5")\n',
  author: 'gpt-4.1',
  calls: [],
  createdAt: 0,
  jobId: 'job_1',
  requeues: 0,
  run: null,
  verdict: null,
  debugDepth: 0,
  isPinned: false,
  isPruned: false,
  ...more,
})
