/** Checks that rows come back from the store as they went in, whatever their length. */
import { expect, test } from 'bun:test'
import { Numbering } from '../../../../plugins/experiments/scoring/numbering.ts'
import { RowStore } from '../../../../plugins/experiments/scoring/row-store.ts'

test('rows of all lengths', () => {
  const rows = [
    ['\uFEFFa', 'b,"c"', 'ü\n'],
    ['x'.repeat(1_500_000), ''],
    ...Array.from({ length: 5000 }, (_, i) => [String(i), 'y'.repeat(i)]),
    [''],
  ]
  const store = new RowStore()
  for (const row of rows) store.add(row)
  expect(store.length).toBe(rows.length)
  for (let i = rows.length - 1; i >= 0; i--) expect(store.at(i)).toEqual(rows[i]!)
})

test('equal values have equal numbers', () => {
  const numbering = new Numbering<string>()
  for (const value of ['b', 'a', 'b', 'c', 'a']) numbering.add(value)
  expect({ ...numbering, count: numbering.count }).toEqual({
    numbers: [0, 1, 0, 2, 1],
    values: ['b', 'a', 'c'],
    count: 3,
  })
})
