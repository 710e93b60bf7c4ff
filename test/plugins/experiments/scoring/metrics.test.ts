/** Compares every metric with scikit-learn's on random data: ties, imbalance, absent classes. */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Aligned } from '../../../../plugins/experiments/scoring/aligned.ts'
import {
  metricNames,
  type MetricName,
  scoreOf,
} from '../../../../plugins/experiments/scoring/metrics.ts'
import { seededRandom } from '../../../../plugins/experiments/scoring/random.ts'
import { runPython } from './python.ts'

interface Case {
  readonly kind: 'value' | 'label' | 'probability' | 'ranking'
  readonly truth: number[]
  readonly predicted: number[]
  readonly classes: number
  readonly groups: number[] | null
}

const random = seededRandom(7)
const times = <T>(count: number, of: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i))
/** A place among weights. */
const choose = (weights: readonly number[]): number => {
  let left = random() * weights.reduce((a, b) => a + b, 0)
  for (let i = 0; i < weights.length; i++) if ((left -= weights[i]!) < 0) return i
  return weights.length - 1
}

const regression = (rows: number, round: (x: number) => number): Case => {
  const truth = times(rows, () => round(random() * 20))
  const predicted = truth.map((t) => round(Math.abs(t + (random() - 0.5) * 6)))
  return { kind: 'value', truth, predicted, classes: 0, groups: null }
}

const labels = (rows: number, weights: readonly number[]): Case => {
  const truth = times(rows, () => choose(weights))
  const predicted = truth.map((t) => (random() < 0.6 ? t : choose(weights.map(() => 1))))
  return { kind: 'label', truth, predicted, classes: weights.length, groups: null }
}

const probabilities = (rows: number, weights: readonly number[], digits: number): Case => {
  const truth = times(rows, () => choose(weights))
  const predicted = truth.flatMap((t) => {
    const raw = weights.map(
      (_, c) => Number((random() + (c === t ? 0.4 : 0)).toFixed(digits)) + 1e-3,
    )
    const sum = raw.reduce((a, b) => a + b, 0)
    return raw.map((value) => value / sum)
  })
  return { kind: 'probability', truth, predicted, classes: weights.length, groups: null }
}

const ranking = (queries: number, digits: number): Case => {
  const sizes = times(queries, () => 2 + Math.floor(random() * 30))
  const groups = sizes.flatMap((size, query) => times(size, () => query))
  const truth = groups.map(() => choose([6, 2, 1, 1]))
  const predicted = truth.map((t) => Number((random() + t / 6).toFixed(digits)))
  return { kind: 'ranking', truth, predicted, classes: 0, groups }
}

const cases: Case[] = [
  regression(200, (x) => x),
  regression(101, Math.round),
  regression(2, (x) => x + 1),
  labels(300, [1, 1]),
  labels(300, [19, 1]),
  labels(40, [1, 1, 1, 0]),
  labels(500, [10, 5, 1, 1, 0.2]),
  probabilities(300, [1, 1], 6),
  probabilities(300, [30, 1], 1),
  probabilities(300, [1, 1, 1], 6),
  probabilities(300, [1, 4, 2, 0, 1], 1),
  ranking(60, 6),
  ranking(60, 8),
]

const aligned = ({ truth, predicted, classes, groups }: Case): Aligned => ({
  truth: Float64Array.from(truth),
  predicted: Float64Array.from(predicted),
  classes,
  groups: groups ? Int32Array.from(groups) : null,
})

test('every metric is what scikit-learn computes', async () => {
  const code = await Bun.file(join(import.meta.dir, 'reference.py')).text()
  const expected = JSON.parse(await runPython(code, cases)) as Record<MetricName, number>[]
  const compared = new Set<MetricName>()
  const wrong = cases.flatMap((one, index) => {
    const rows = aligned(one)
    return Object.entries(expected[index]!).flatMap(([name, wanted]) => {
      compared.add(name as MetricName)
      const score = scoreOf(name as MetricName, rows)
      const isSame =
        typeof score === 'number' &&
        Math.abs(score - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted))
      return isSame ? [] : [{ index, name, score, wanted }]
    })
  })
  expect(wrong).toEqual([])
  expect([...compared].sort()).toEqual([...metricNames].sort())
})

describe('where there is no score, the reason is told', () => {
  const of = (name: MetricName, truth: number[], predicted: number[], classes = 0) =>
    scoreOf(name, aligned({ kind: 'value', truth, predicted, classes, groups: null }))

  test.each([
    ['roc_auc', [1, 1], [0.1, 0.9, 0.2, 0.8], 2, 'all rows are of one class'],
    ['average_precision', [0, 0], [0.1, 0.9, 0.2, 0.8], 2, 'all rows are of one class'],
    ['rmsle', [1, 2], [-1, 2], 0, 'there are predictions of -1 or less'],
    ['rmsle', [-3, 2], [1, 2], 0, 'the target has values of -1 or less'],
    ['pearson', [1, 2], [3, 3], 0, 'the predictions are constant'],
    ['spearman', [1, 1], [3, 4], 0, 'the target is constant'],
    ['r2', [1], [1], 0, 'r2 needs two rows'],
    ['cohen_kappa', [1, 1], [1, 1], 2, 'truth and predictions are one and the same class'],
    ['rmse', [], [], 0, 'there are no rows to score'],
    ['rmse', [1e200, 0], [0, 1e200], 0, 'the score is not finite'],
  ] as const)('%s of %j and %j', (name, truth, predicted, classes, reason) => {
    expect(of(name, [...truth], [...predicted], classes)).toBe(reason)
  })

  test('an order that is wholly right or wholly wrong is 1 or 0', () => {
    expect(of('roc_auc', [0, 0, 1], [0.9, 0.1, 0.8, 0.2, 0.3, 0.7], 2)).toBe(1)
    expect(of('roc_auc', [1, 1, 0], [0.9, 0.1, 0.8, 0.2, 0.3, 0.7], 2)).toBe(0)
    expect(of('roc_auc', [0, 1], [0.5, 0.5, 0.5, 0.5], 2)).toBe(0.5)
  })
})
