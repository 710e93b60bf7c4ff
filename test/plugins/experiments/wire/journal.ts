/** What happens to an experiment that nobody conducts: told to its journal by hand. */
import type { JournalEvent } from '../../../../plugins/experiments/journal/events.ts'
import type { Run, Verdict } from '../../../../plugins/experiments/journal/node.ts'

const run: Run = {
  ...{ jobId: 'job_1', execTimeS: 2.5, exitCode: 0, signal: null, exception: null },
  ...{ failure: null, message: null, peakMemoryBytes: null, artifacts: [] },
  output: { head: 'score 0.5\n', tail: '', omittedBytes: 0, totalBytes: 10 },
}

const verdict: Verdict = {
  ...{ isBuggy: false, failure: null, metric: 0.5, metricSource: 'reported' },
  ...{ reportedMetric: 0.5, selectionMetric: null, interval: null, analysis: 'fair' },
  ...{ warnings: [], predictions: null },
}

export const program = { plan: 'guess', code: 'print(0.5)', author: 'built-in', calls: [] }

/** A program is written, and waits to be run or approved. */
export const proposed = (step: number, needsApproval = false): JournalEvent => ({
  ...{ type: 'proposed', node: `node_${step}`, step, parents: [], stage: 'draft' },
  ...{ ...program, needsApproval },
})

export const finished = (step: number, more: Partial<Run> = {}): JournalEvent => ({
  ...{ type: 'finished', node: `node_${step}`, run: { ...run, ...more }, verdict },
})

/** It runs, and its first program has a score. */
export const oneStep: readonly JournalEvent[] = [
  { type: 'started' },
  { type: 'directed', maximize: true },
  proposed(1),
  finished(1),
]

export const stopped: JournalEvent = { type: 'stopped', reason: 'Stopped by the user' }
