/** What searches reckon and draw with: rewards of nodes, and random numbers of a seed. */
import { describe, expect, test } from 'bun:test'
import { choice, randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { rewardsOf } from '../../../../plugins/experiments/search/reward.ts'
import { grown } from '../journal/tree.ts'

describe('rewards', () => {
  test('go from the worst score to the best, whatever the direction', () => {
    const journal = grown([[[], 10], [[], 20], [[], 15], [[], null], [[]]])
    const of = (maximize: boolean | null) => [...rewardsOf({ ...journal, maximize }).values()]
    expect([of(true), of(false), of(null)]).toEqual([
      [0, 1, 0.5, -0.5, null],
      [1, 0, 0.5, -0.5, null],
      [0, 1, 0.5, -0.5, null],
    ])
    expect([
      ...rewardsOf(
        grown([
          [[], 3],
          [[], 3],
        ]),
      ).values(),
    ]).toEqual([0.5, 0.5])
  })
})

describe('random', () => {
  const first = (seed: number, decision: number, count = 3) => {
    const random = randomFrom(seed, decision)
    return Array.from({ length: count }, random)
  }

  test('the same numbers from the same seed, for good', () => {
    expect(first(7, 3)).toEqual(first(7, 3))
    expect([first(0, 0), first(0, 1), first(1, 0)]).toMatchInlineSnapshot(`
      [
        [
          0.9503272483125329,
          0.2097172357607633,
          0.7686038326937705,
        ],
        [
          0.4585539000108838,
          0.04466737457551062,
          0.27270219614729285,
        ],
        [
          0.6297011377755553,
          0.7802396181505173,
          0.4292245442047715,
        ],
      ]
    `)
  })

  test('other decisions and seeds draw others, evenly spread', () => {
    const all = Array.from({ length: 100 }, (_, i) => first(Math.floor(i / 10), i % 10, 100)).flat()
    expect(new Set(all).size).toBeGreaterThan(9990)
    for (let tenth = 0; tenth < 10; tenth++) {
      const { length } = all.filter((draw) => Math.floor(draw * 10) === tenth)
      expect(Math.abs(length - 1000)).toBeLessThan(150)
    }
  })

  test('a choice is any of the items', () => {
    const of = (draw: number) => choice(['a', 'b', 'c'], () => draw)
    expect([0, 0.33, 0.34, 0.99, 1].map(of)).toEqual(['a', 'a', 'b', 'c', 'c'])
    expect(() => choice([], () => 0)).toThrow('nothing to choose from')
  })
})
