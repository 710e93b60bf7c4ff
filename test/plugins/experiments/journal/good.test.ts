/** Which nodes count as good, in which order, what the row says, and what is kept. */
import { describe, expect, test } from 'bun:test'
import { bestOf, goodNodes, isBuggy, ranked } from '../../../../plugins/experiments/journal/good.ts'
import { digestsIn } from '../../../../plugins/experiments/journal/kept.ts'
import { type Summary, summaryOf } from '../../../../plugins/experiments/journal/summary.ts'
import { finished, grown, stored } from './tree.ts'

const nan = Number.NaN
const journal = grown(
  [[[], 0.5], [[], 0.9], [[], null], [[], 0.5], [[], nan], [[]], [[], 0.99]],
  [{ type: 'pruned', node: 'node_7', isPruned: true }],
)

const steps = (nodes: readonly { readonly step: number }[]) => nodes.map(({ step }) => step)
const final = {
  ...{ best: 'node_4', finalists: [], isWithinNoise: true, explanation: '', report: null },
}

describe('good', () => {
  test('is what has a finite score and was not left out', () => {
    expect(steps(goodNodes(journal))).toEqual([1, 2, 4])
    expect(steps(journal.nodes.filter(isBuggy))).toEqual([3])
  })

  test('is ranked by the direction; of equal ones the earlier is first', () => {
    expect(steps(ranked(journal))).toEqual([2, 1, 4])
    expect(steps(ranked({ ...journal, maximize: false }))).toEqual([1, 4, 2])
    expect(steps(ranked({ ...journal, maximize: null }))).toEqual([2, 1, 4])
  })

  test('the best is the first, until the end has chosen one', () => {
    expect(bestOf(journal)?.step).toBe(2)
    expect(bestOf({ ...journal, final })?.step).toBe(4)
    expect(bestOf({ ...journal, final: { ...final, best: null } })?.step).toBe(2)
    expect(bestOf(grown([[[], null]]))).toBeNull()
  })
})

describe('the row', () => {
  const best = journal.nodes[1]!

  test.each([
    [{ type: 'started' } as const, 'running', null],
    [{ type: 'stopped', reason: 'x' } as const, 'stopped', null],
    [{ type: 'completed', final } as const, 'completed', null],
    [
      { type: 'failed', error: 'BROKEN', message: 'no model' } as const,
      ...(['failed', '{"code":"BROKEN","message":"no model"}'] as const),
    ],
    [{ type: 'paused' } as const, null, null],
  ])('after %j', (event, status, error) => {
    expect(summaryOf(journal, stored([event]))).toEqual({
      status,
      error,
      finishedSteps: 6,
      best,
    } as Summary)
  })

  test('the last of several events decides', () => {
    const events = stored([{ type: 'started' }, { type: 'stopped', reason: 'x' }])
    expect(summaryOf(journal, events).status).toBe('stopped')
  })
})

test('kept are artifacts, predictions and the report', () => {
  const file = (sha256: string) => ({ path: sha256, sha256, sizeBytes: 1 })
  const event = finished(1, 0.5, { artifacts: [file('a'), file('b')] })
  const judged = { ...event, verdict: { ...event.verdict, predictions: file('c') } }
  const completed = { type: 'completed', final: { ...final, report: file('d') } } as const
  const without = { type: 'completed', final } as const
  expect(digestsIn(stored([{ type: 'started' }, judged, completed, without]))).toEqual([
    ...['a', 'b', 'c', 'd'],
  ])
})
