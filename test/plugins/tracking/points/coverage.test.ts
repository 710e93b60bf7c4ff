/** The boxes around a series hold all its points and stay apart where its points are. */
import { expect, test } from 'bun:test'
import { boxOf, Coverage } from '../../../../plugins/tracking/points/coverage.ts'

const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

test.each([1, 2, 3])('every point that was added is held, seed %i', (seed) => {
  const next = random(seed)
  const points = Array.from({ length: 2000 }, () => {
    const magnitude = 10 ** Math.floor(next() * 12)
    return [Math.floor((next() - 0.5) * magnitude), Math.floor(next() * magnitude)] as const
  })
  const single = new Coverage()
  for (const [step, time] of points) single.addPoint(step, time)
  const boxed = new Coverage()
  for (let from = 0; from < points.length; from += 50) {
    const part = points.slice(from, from + 50)
    boxed.add(
      boxOf(
        part.map(([step]) => step),
        part.map(([, time]) => time),
        part.length,
      ),
    )
  }
  const merged = new Coverage()
  merged.addAll(single)
  const missed = points.filter(
    ([step, time]) => ![single, boxed, merged].every((coverage) => coverage.holds(step, time)),
  )
  expect(missed).toEqual([])
})

test('ranks that log far-apart steps never fall into what another covers', () => {
  const coverage = new Coverage()
  const ranks = 30
  let held = 0
  for (let batch = 0; batch < 1000; batch++) {
    for (let rank = 0; rank < ranks; rank++) {
      const steps = Array.from({ length: 10 }, (_, i) => rank * 1e6 + batch * 10 + i)
      const box = boxOf(steps, steps, steps.length)
      if (coverage.meets(box)) held++
      coverage.add(box)
    }
  }
  expect(held).toBe(0)
})

test('more ranks than boxes cost exactness, not points', () => {
  const coverage = new Coverage()
  for (let rank = 0; rank < 100; rank++) coverage.addPoint(rank * 1e6, rank)
  const held = Array.from({ length: 100 }, (_, rank) => coverage.holds(rank * 1e6, rank))
  expect(held).toEqual(Array<boolean>(100).fill(true))
})
