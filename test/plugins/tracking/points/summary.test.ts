/** Summaries say the same however the points were split, and never overflow. */
import { expect, test } from 'bun:test'
import {
  addPoint,
  At,
  emptySummary,
  mergeSummary,
  summaryBytes,
  summaryFrom,
} from '../../../../plugins/tracking/points/summary.ts'
import { random } from './model.ts'

type Tuple = [id: number, step: number, time: number, value: number]

const summaryOf = (points: readonly Tuple[]) => {
  const summary = emptySummary()
  for (const point of points) addPoint(summary, ...point)
  return summary
}

const rounded = (summary: Float64Array): number[] =>
  Array.from(summary, (value, at) => (at === At.mean ? Number(value.toPrecision(12)) : value))

test.each([1, 2, 3])('merged parts equal the whole, seed %d', (seed) => {
  const { below, pick } = random(seed)
  for (let round = 0; round < 200; round++) {
    const points = Array.from({ length: below(30) }, (_, id): Tuple => [
      id,
      below(10) - 5,
      below(5),
      pick([NaN, Infinity, -Infinity, below(100), -0.5]),
    ])
    const parts = Array.from({ length: 4 }, () => [] as Tuple[])
    for (const point of points) pick(parts).push(point)
    const merged = emptySummary()
    for (const part of parts) mergeSummary(merged, summaryFrom(summaryBytes(summaryOf(part))))
    expect(rounded(merged)).toEqual(rounded(summaryOf(points)))
  }
})

test('the mean of the largest numbers is one of them, not Infinity', () => {
  const huge = Number.MAX_VALUE
  const ups = summaryOf([
    [1, 1, 1, huge],
    [2, 2, 2, huge],
  ])
  const both = summaryOf([
    [3, 3, 3, huge],
    [4, 4, 4, -huge],
  ])
  mergeSummary(both, ups)
  expect([ups[At.mean], both[At.mean]]).toEqual([huge, huge / 2])
})
