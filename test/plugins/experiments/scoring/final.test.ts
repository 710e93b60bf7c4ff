/** Checks which node is delivered, and what is said of the choice. */
import { describe, expect, test } from 'bun:test'
import type { Node } from '../../../../plugins/experiments/journal/node.ts'
import {
  type Candidate,
  chooseFinal,
  pickFinalists,
} from '../../../../plugins/experiments/scoring/final.ts'
import type { Comparison } from '../../../../plugins/experiments/scoring/noise.ts'

const node = (step: number, metric: number | null, changes: Partial<Node> = {}): Node => ({
  id: `node_${step}`,
  step,
  parents: [],
  stage: 'draft',
  state: 'finished',
  plan: '',
  code: '',
  author: 'test',
  calls: [],
  createdAt: 0,
  jobId: null,
  requeues: 0,
  run: null,
  verdict: {
    isBuggy: metric === null,
    failure: null,
    metric,
    metricSource: 'server',
    reportedMetric: null,
    selectionMetric: null,
    interval: null,
    analysis: '',
    warnings: [],
    predictions: null,
  },
  debugDepth: 0,
  isPinned: false,
  isPruned: false,
  ...changes,
})

test('finalists are the best good nodes; of equal ones the earlier', () => {
  const nodes = [
    node(1, 0.5),
    node(2, 0.9),
    node(3, null),
    node(4, 0.9),
    node(5, 0.99, { isPruned: true }),
    node(6, Number.NaN),
    node(7, 0.7, { verdict: null }),
  ]
  const ids = (maximize: boolean, count: number) =>
    pickFinalists(nodes, maximize, count).map(({ id }) => id)
  expect(ids(true, 2)).toEqual(['node_2', 'node_4'])
  expect(ids(false, 5)).toEqual(['node_1', 'node_2', 'node_4'])
})

const candidate = (
  name: string,
  metric: number,
  selectionMetric: number | null,
  reruns: Candidate['reruns'] = [],
): Candidate => ({ node: name, metric, selectionMetric, reruns, interval: null })

const compared = (isWithinNoise: boolean): Comparison => ({
  gain: 0.1,
  interval: isWithinNoise ? [-0.1, 0.3] : [0.05, 0.3],
  isWithinNoise,
})

describe('the choice', () => {
  const choose = (
    candidates: Candidate[],
    comparison: Comparison | null,
    options: { maximize?: boolean; baseline?: Candidate } = {},
  ) =>
    chooseFinal({
      candidates,
      maximize: options.maximize ?? true,
      baseline: options.baseline ?? null,
      compare: async () => comparison,
    })

  test('is made on the selection part, over the mean of all runs', async () => {
    const lucky = candidate('node_2', 0.95, 0.9, [{ metric: 0.8, selectionMetric: 0.7 }])
    const steady = candidate('node_1', 0.94, 0.85, [{ metric: 0.93, selectionMetric: 0.87 }])
    expect(await choose([lucky, steady], compared(true))).toEqual({
      best: 'node_1',
      finalists: [
        { node: 'node_1', metric: 0.94, selectionMetric: 0.85, reruns: [0.93], interval: null },
        { node: 'node_2', metric: 0.95, selectionMetric: 0.9, reruns: [0.8], interval: null },
      ],
      isWithinNoise: true,
      explanation:
        'node_1 is the best of 2 finalists on rows that no program and no search has seen the ' +
        'targets of: 0.86, the mean of 2 runs. ' +
        'Its lead of 0.06 over the next, node_2, is within the noise.',
    })
  })

  test('says when a lead is real, and when nobody can know', async () => {
    const two = [candidate('a', 3, 2), candidate('b', 2, 1)]
    const sure = await choose(two, compared(false), { maximize: false })
    expect([sure.best, sure.isWithinNoise]).toEqual(['b', false])
    expect(sure.explanation).toEndWith('Its lead of 1 over the next, a, is more than the noise.')
    const unknown = await choose(two, null)
    expect(unknown.explanation).toEndWith('over the next, b, cannot be compared with the noise.')
  })

  test('is compared with the baseline too', async () => {
    const baseline = candidate('node_1', 0.5, 0.89)
    const { isWithinNoise, explanation } = await choose(
      [candidate('node_9', 0.9, 0.9)],
      compared(true),
      {
        baseline,
      },
    )
    expect(isWithinNoise).toBeTrue()
    expect(explanation).toContain('over the baseline, node_1, is within the noise.')
  })

  test('follows the search part where there is no other', async () => {
    const choice = await choose([candidate('a', 1, null), candidate('b', 2, null)], null)
    expect(choice.best).toBe('b')
    expect(choice.explanation).toContain(
      'by the score that led the search, as there is no other: 2.',
    )
  })

  test('is nobody when no program is good', async () => {
    expect(await choose([], null)).toEqual({
      best: null,
      finalists: [],
      isWithinNoise: false,
      explanation: 'No program gave a result that could be scored.',
    })
  })
})
