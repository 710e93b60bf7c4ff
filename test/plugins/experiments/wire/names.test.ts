/** Names from strangers fit into a folder, and still say what they are. */
import { expect, test } from 'bun:test'
import { distinct, safeName, typeOf } from '../../../../plugins/experiments/files/names.ts'

test.each([
  ['../../etc/passwd', 'passwd'],
  ['C:\\data\\train.csv', 'train.csv'],
  ['a\x00b\x1b[1m.csv', 'ab[1m.csv'],
  [' train.csv ', 'train.csv'],
  ['a\u202evsc.exe\u202c\u0085.csv', 'avsc.exe.csv'],
  ['👩\u200d🔬 data.csv', '👩\u200d🔬 data.csv'],
  ['..', 'file'],
  ['', 'file'],
])('%j becomes %j', (given, name) => expect(safeName(given)).toBe(name))

test.each([
  ['é'.repeat(300) + '.csv', `${'é'.repeat(98)}.csv`],
  ['😀'.repeat(100) + '.json', `${'😀'.repeat(48)}.json`],
  [`a.${'b'.repeat(300)}`, `a.${'b'.repeat(198)}`],
])('a long name is cut at a character, before its end', (given, name) => {
  expect(safeName(given)).toBe(name)
  expect(Buffer.byteLength(safeName(given))).toBeLessThanOrEqual(200)
})

test('names that are taken get a number before the end of the last part', () => {
  const taken = new Set(['a.csv', 'a (2).csv', 'v1.0/data', '.env'])
  expect(['a.csv', 'v1.0/data', '.env', 'b.csv'].map((name) => distinct(name, taken))).toEqual([
    'a (3).csv',
    'v1.0/data (2)',
    '.env (2)',
    'b.csv',
  ])
})

test('the end of a name is its type', () => {
  expect(['a.CSV', 'a', '.csv', 'a.tar.gz'].map(typeOf)).toEqual(['csv', '', '', 'gz'])
})
