/** The end of a step whose proposal held no program: it is used up, and says why. */
import type { JournalEvent } from '../journal/events.ts'
import type { Run } from '../journal/node.ts'

/** Of a node without a program of its own. */
export const notRun: Run = {
  jobId: null,
  execTimeS: 0,
  exitCode: null,
  signal: null,
  output: { head: '', tail: '', omittedBytes: 0, totalBytes: 0 },
  exception: null,
  failure: null,
  message: null,
  peakMemoryBytes: null,
  artifacts: [],
}

export const withoutCode = (node: string, problem: string): JournalEvent => ({
  type: 'finished',
  node,
  run: { ...notRun, failure: 'no_code', message: problem },
  verdict: {
    isBuggy: true,
    failure: 'no_code',
    metric: null,
    metricSource: 'reported',
    reportedMetric: null,
    selectionMetric: null,
    interval: null,
    analysis: problem,
    warnings: [],
    predictions: null,
  },
})
