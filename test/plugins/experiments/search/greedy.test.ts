/** Greedy against AIDE's own choices: aide-choices.json is what its `search_policy` chose. */
import { expect, test } from 'bun:test'
import { fold } from '../../../../plugins/experiments/journal/fold.ts'
import { bestOf } from '../../../../plugins/experiments/journal/good.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import { greedy } from '../../../../plugins/experiments/search/greedy.ts'
import type { Action } from '../../../../plugins/experiments/search/policy.ts'
import { finished, grown, idOf, journalOf, proposed, stored } from '../journal/tree.ts'
import table from './aide-choices.json'
import { drawing, settings } from './draws.ts'

test.each(table)('chooses as AIDE, draw by draw: seed %$', ({ settings: of, nodes, ...told }) => {
  let journal: Journal = journalOf([
    { type: 'started' },
    { type: 'directed', maximize: told.maximize },
  ])
  const chosen: Action[] = []
  const unused: number[] = []
  for (const [place, { draws, parent, isBuggy, metric }] of nodes.entries()) {
    const random = drawing(draws)
    chosen.push(greedy.next({ journal, settings: of, elapsedShare: 0 }, random))
    unused.push(random.left())
    const parents = parent === null ? [] : [parent + 1]
    const events = [proposed(place + 1, parents), finished(place + 1, isBuggy ? null : metric)]
    journal = fold(journal, stored(events, journal.version))
  }
  const expected = nodes.map(({ parent }): Action => {
    if (parent === null) return { kind: 'draft' }
    return { kind: nodes[parent]!.isBuggy ? 'debug' : 'improve', parent: idOf(parent + 1) }
  })
  expect(chosen).toEqual(expected)
  expect(unused).toEqual(nodes.map(() => 0))
  expect(journal.nodes.map(({ debugDepth }) => debugDepth)).toEqual(
    nodes.map(({ debugDepth }) => debugDepth),
  )
  expect(bestOf(journal)?.step).toBe(told.best === null ? undefined : told.best + 1)
})

test('the table holds drafts, repairs, improvements, ties, and both directions', () => {
  const nodes = table.flatMap((one) => one.nodes.map((node) => ({ node, of: one })))
  const count = (isSo: (one: (typeof nodes)[number]) => boolean) => nodes.filter(isSo).length
  expect({
    drafts: count(({ node }) => node.parent === null) > 50,
    repairs: count(({ node, of }) => node.parent !== null && of.nodes[node.parent]!.isBuggy) > 50,
    gains: count(({ node, of }) => node.parent !== null && !of.nodes[node.parent]!.isBuggy) > 50,
    deep: Math.max(...nodes.map(({ node }) => node.debugDepth)) > 3,
    directions: new Set(table.map(({ maximize }) => maximize)).size,
  }).toEqual({ drafts: true, repairs: true, gains: true, deep: true, directions: 2 })
})

test.each([
  ['drafts and repairs in flight count', grown([[[], null], [[]], [[1]]]), [0], { kind: 'draft' }],
  [
    'a pinned node comes before the best',
    grown(
      [
        [[], 0.9],
        [[], 0.1],
        [[], 0.5],
      ],
      [{ type: 'pinned', node: 'node_3', isPinned: true }],
    ),
    ...([[0.9], { kind: 'improve', parent: 'node_3' }] as const),
  ],
  [
    'repairs come before a pinned node',
    grown(
      [
        [[], 0.9],
        [[], null],
      ],
      [{ type: 'pinned', node: 'node_1', isPinned: true }],
    ),
    ...([[0, 0], { kind: 'debug', parent: 'node_2' }] as const),
  ],
  [
    'a draw that equals debugProb repairs nothing',
    grown([
      [[], 0.9],
      [[], null],
    ]),
    [0.5],
    { kind: 'improve', parent: 'node_1' },
  ],
  [
    'what was left out is neither repaired nor improved, but was a draft',
    grown(
      [
        [[], 0.9],
        [[], null],
      ],
      [
        { type: 'pruned', node: 'node_1', isPruned: true },
        { type: 'pruned', node: 'node_2', isPruned: true },
      ],
    ),
    ...([[0], { kind: 'draft' }] as const),
  ],
] as const)('%s', (_, journal, draws, action) => {
  const state = { journal, settings: { ...settings, numDrafts: 2 }, elapsedShare: 0 }
  const random = drawing(draws)
  expect([greedy.next(state, random), random.left()]).toEqual([action as Action, 0])
})
