/** Journals for tests, told event by event; nodes are named by their steps. */
import type { JournalEvent, StoredEvent } from '../../../../plugins/experiments/journal/events.ts'
import { emptyJournal, fold } from '../../../../plugins/experiments/journal/fold.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import type { Run, Verdict } from '../../../../plugins/experiments/journal/node.ts'

type Of<T extends JournalEvent['type']> = Extract<JournalEvent, { type: T }>

export const idOf = (step: number): string => `node_${step}`

export const proposed = (
  step: number,
  parents: readonly number[] = [],
  more: Partial<Of<'proposed'>> = {},
): Of<'proposed'> => ({
  ...{ type: 'proposed', node: idOf(step), step, parents: parents.map(idOf) },
  ...{ stage: parents.length > 0 ? 'improve' : 'draft', plan: `plan ${step}` },
  ...{ code: `print(${step})`, author: 'script', calls: [], needsApproval: false },
  ...more,
})

export const run: Run = {
  ...{ jobId: null, execTimeS: 0.5, exitCode: 0, signal: null, exception: null, failure: null },
  ...{ message: null, peakMemoryBytes: null, artifacts: [] },
  output: { head: 'out\n', tail: '', omittedBytes: 0, totalBytes: 4 },
}

/** `null`: it is buggy. */
export const verdict = (metric: number | null): Verdict => ({
  ...{ isBuggy: metric === null, failure: metric === null ? 'exception' : null, metric },
  ...{ metricSource: 'reported', reportedMetric: metric, selectionMetric: null, interval: null },
  ...{ analysis: 'read', warnings: [], predictions: null },
})

export const finished = (
  step: number,
  metric: number | null,
  more: Partial<Run> = {},
): Of<'finished'> => ({
  ...{ type: 'finished', node: idOf(step), run: { ...run, ...more }, verdict: verdict(metric) },
})

/** One is added each second. */
export const stored = (events: readonly JournalEvent[], since = 0): StoredEvent[] =>
  events.map((event, i) => ({ seq: since + i + 1, at: (since + i + 1) * 1000, event }))

export const journalOf = (events: readonly JournalEvent[], totalSteps = 20): Journal =>
  fold(emptyJournal(totalSteps), stored(events))

/** Finished nodes, each with its parents and its score: `null` is buggy, absent in flight. */
export type Grown = readonly [parents: readonly number[], metric?: number | null]

export const grown = (nodes: readonly Grown[], more: readonly JournalEvent[] = []): Journal =>
  journalOf([
    { type: 'started' },
    { type: 'directed', maximize: true },
    ...nodes.flatMap(([parents, metric], i) => [
      proposed(i + 1, parents),
      ...(metric === undefined ? [] : [finished(i + 1, metric)]),
    ]),
    ...more,
  ])
