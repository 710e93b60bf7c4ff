/** The searches beyond AIDE's: what each chooses in trees small enough to reckon by hand. */
import { describe, expect, test } from 'bun:test'
import type { JournalEvent } from '../../../../plugins/experiments/journal/events.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import { evolution } from '../../../../plugins/experiments/search/evolution.ts'
import { greedy } from '../../../../plugins/experiments/search/greedy.ts'
import type { Action, Policy } from '../../../../plugins/experiments/search/policy.ts'
import { choice, randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { stepsWithoutGain, switching } from '../../../../plugins/experiments/search/switching.ts'
import { uct } from '../../../../plugins/experiments/search/uct.ts'
import { grown, type Grown } from '../journal/tree.ts'
import { drawing, settings } from './draws.ts'

const pinned = (node: string): JournalEvent => ({ type: 'pinned', node, isPinned: true })
const prunes = (node: string): JournalEvent => ({ type: 'pruned', node, isPruned: true })
const draft: Action = { kind: 'draft' }
const improve = (step: number): Action => ({ kind: 'improve', parent: `node_${step}` })
const debug = (step: number): Action => ({ kind: 'debug', parent: `node_${step}` })
const fuse = (a: number, b: number): Action => ({
  ...{ kind: 'fuse', parents: [`node_${a}`, `node_${b}`] },
})

/** What it chooses, and whether it drew exactly these numbers. */
const chosen = (policy: Policy, journal: Journal, draws: readonly number[], elapsedShare = 0) => {
  const random = drawing(draws)
  return [policy.next({ journal, settings, elapsedShare }, random), random.left()]
}

type Case = readonly [
  ...[name: string, nodes: readonly Grown[], events: readonly JournalEvent[]],
  ...[draws: readonly number[], action: Action, elapsedShare?: number],
]

describe('uct', () => {
  test.each<Case>([
    ['drafts first', [[[], 0.5]], [], [], draft],
    [
      'equal ones: any',
      [
        [[], 0.5],
        [[], 0.5],
      ],
      [],
      [0.6],
      improve(2),
    ],
    [
      'the better one',
      [
        [[], 0.5],
        [[], 0.6],
      ],
      [],
      [0],
      improve(2),
    ],
    [
      'a neglected one early',
      [
        [[], 0.9],
        [[], 0.8],
        [[1], 0.95],
        [[1], 0.1],
      ],
      [],
      [0],
      improve(2),
    ],
    [
      'the good branch late',
      [
        [[], 0.9],
        [[], 0],
        [[1], 0.95],
      ],
      [],
      [0],
      improve(1),
      1,
    ],
    [
      'a failure has one repair, which is repaired in turn',
      [
        [[], null],
        [[], null],
        [[1], null],
        [[2], null],
      ],
      [],
      [0, 0],
      debug(3),
    ],
    [
      'a failure not repaired yet',
      [
        [[], null],
        [[], null],
        [[2], null],
      ],
      [],
      [0],
      debug(1),
    ],
    ['not in flight twice', [[[], null], [[], null], [[1]], [[2]]], [], [], draft],
    [
      'below a node with three children',
      [[[], 0.5], [[]], [[1], 0.9], [[1], 0.1], [[1], 0.2]],
      ...([[], [0, 0], improve(3)] as const),
    ],
    [
      'a draft for one left out',
      [
        [[], 0.5],
        [[], 0.6],
      ],
      [prunes('node_1')],
      [],
      draft,
    ],
    [
      'a pin',
      [
        [[], 0.5],
        [[], 0.9],
      ],
      [pinned('node_1')],
      [],
      improve(1),
    ],
    [
      'the best of several pins',
      [
        [[], 0.5],
        [[], 0.9],
        [[], 0.7],
      ],
      ...([[pinned('node_1'), pinned('node_3')], [], improve(3)] as const),
    ],
  ])('%s', (_, nodes, events, draws, action, elapsedShare = 0) => {
    expect(chosen(uct, grown(nodes, events), draws, elapsedShare)).toEqual([action, 0])
  })
})

const ten = Array.from({ length: 10 }, (_, i): Grown => [[], i / 10])

describe('evolution', () => {
  test.each<Case>([
    ['drafts first', [[[], 0.5]], [], [], draft],
    [
      'repairs as AIDE does',
      [
        [[], 0.5],
        [[], null],
      ],
      [],
      [0.4, 0],
      debug(2),
    ],
    [
      'nothing good',
      [
        [[], null],
        [[], null],
      ],
      [],
      [0.6],
      draft,
    ],
    [
      'the best of a tournament',
      [
        [[], 0.1],
        [[], 0.9],
      ],
      [],
      [0.6, 0.9, 0, 0.9],
      improve(2),
    ],
    ['no crossover in the first ten', ten.slice(1), [], [0.6, 0, 0.5, 0.9], improve(9)],
    ['no crossover by chance', ten, [], [0.6, 0, 0.5, 0.9, 0.5], improve(10)],
    ['crossover of two', ten, [], [0.6, 0, 0.5, 0.9, 0.4, 0.99, 0.99, 0], fuse(10, 9)],
    [
      'the ten best are the population',
      [...ten, [[], 1]],
      ...([[], [0.6, 0.99, 0.99, 0.99, 0.9], improve(2)] as const),
    ],
    ['a pin is a parent', ten, [pinned('node_1')], [0.6, 0, 0.5, 0.99, 0.9], improve(1)],
    [
      'a pin is crossed with others',
      ten,
      ...([[pinned('node_1')], [0.6, 0, 0.5, 0.99, 0, 0, 0, 0], fuse(1, 10)] as const),
    ],
    [
      'the better of two pins in a tournament',
      ten,
      ...([[pinned('node_1'), pinned('node_3')], [0.6, 0.9, 0, 0.9, 0.9], improve(3)] as const),
    ],
    [
      'repairs beside a pin',
      [
        [[], 0.5],
        [[], null],
      ],
      [pinned('node_1')],
      [0.4, 0],
      debug(2),
    ],
  ])('%s', (_, nodes, events, draws, action) => {
    expect(chosen(evolution, grown(nodes, events), draws)).toEqual([action, 0])
  })
})

describe('switching', () => {
  const stale: readonly Grown[] = [
    [[], 0.9],
    [[], 0.8],
    [[], 0.7],
    [[], 0.6],
  ]
  const search = { ...settings, stagnation: 3, exploitAfter: 0.7 }

  test.each<Case>([
    ['before the time', stale.slice(0, 3), [], [0.6], improve(1)],
    ['a leap to a new draft', stale, [], [0.6, 0.4], draft],
    ['a leap to two in one', stale, [], [0.6, 0.5, 0.4, 0.9], fuse(2, 3)],
    ['repairs stay', [...stale, [[], null]], [], [0.4, 0], debug(5)],
    ['a pin stays', stale, [pinned('node_3')], [0.6], improve(3)],
    ['never the same two again', [...stale, [[1, 2], 0]], [], [0.6, 0.5, 0, 0], fuse(1, 3)],
    [
      'a draft when all are one already',
      [...stale, [[1, 2], 0], [[3, 1], 0]],
      ...([[], [0.6, 0.5, 0], draft] as const),
    ],
    [
      'one good node: a draft',
      [
        [[], 0.5],
        [[], null],
        [[2], null],
        [[3], null],
      ],
      [],
      [0.6],
      draft,
    ],
  ])('without gain: %s', (_, nodes, events, draws, action) => {
    expect(chosen(switching(greedy, search), grown(nodes, events), draws)).toEqual([action, 0])
  })

  test('counts what finished since the best', () => {
    const since = (nodes: readonly Grown[]) => stepsWithoutGain(grown(nodes))
    const trees: (readonly Grown[])[] = [[], [[[], null]], stale]
    trees.push([...stale, [[]]], [...stale, [[], 1]])
    expect(trees.map(since)).toEqual([0, 0, 3, 3, 0])
  })

  test.each([
    ['uct', uct, 0.69, [0], improve(2)],
    ['uct', uct, 0.7, [0.6], improve(1)],
    ['evolution', evolution, 0.69, [0.6, 0.3, 0.3, 0.3], improve(2)],
    ['evolution', evolution, 0.7, [0.6], improve(1)],
  ] as const)('%s is greedy after its share', (_, policy, share, draws, action) => {
    const nodes = [
      [[], 0.9],
      [[], 0.1],
      [[1], 0],
      [[1], 0],
      [[1], 0],
    ] as const
    const of = switching(policy, { ...search, stagnation: null })
    expect(chosen(of, grown(nodes), draws, share)).toEqual([action, 0])
  })
})

describe.each([greedy, uct, evolution])('$name', (policy) => {
  /** A whole search: scores and failures are drawn as well. */
  const search = (seed: number) => {
    const nodes: Grown[] = []
    const actions: Action[] = []
    const state = { settings, elapsedShare: 0 }
    for (let step = 1; step <= 40; step++) {
      const random = randomFrom(seed, step)
      const action = policy.next({ ...state, journal: grown(nodes) }, random)
      actions.push(action)
      const parents =
        action.kind === 'draft' ? [] : action.kind === 'fuse' ? action.parents : [action.parent]
      const places = parents.map((id) => Number(id.slice(5)))
      nodes.push([places, random() < 0.3 ? null : random()])
    }
    return actions
  }

  test('grows the same tree from the same seed, and another from another', () => {
    expect(search(1)).toEqual(search(1))
    expect(search(1)).not.toEqual(search(2))
  })
})
