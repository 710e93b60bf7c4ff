/** Checks what the split shows to programs, and that nothing hidden is among it. */
import { describe, expect, test } from 'bun:test'
import { seededRandom } from '../../../../plugins/experiments/scoring/random.ts'
import { arena, named, taskOf } from './table.ts'

const times = <T>(count: number, of: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i))

const table = (rows: number) => [
  ['a', 'b', 'y'],
  ...times(rows, (i) => [String(i / 7), `word ${i}`, i % 3 === 0 ? 'yes' : 'no']),
]

const byText = (a: readonly string[], b: readonly string[]) => (a.join() < b.join() ? -1 : 1)

test('each row is in one part, and targets of hidden rows are nowhere', async () => {
  const { put, prepare, rows, truth } = arena()
  const whole = table(100)
  const prepared = await prepare([await put('train.csv', whole)], taskOf())
  const { visible, ...rest } = prepared
  expect({ ...rest, truth: null, visible: visible.map(({ path }) => path) }).toEqual({
    visible: ['train.csv', 'test.csv', 'sample_submission.csv'],
    truth: null,
    rows: { train: 60, search: 20, selection: 20 },
    idColumn: 'row_id',
    submissionColumns: ['row_id', 'y'],
    classes: ['no', 'yes'],
    notes: [],
  })
  const train = await rows(named(visible, 'train.csv'))
  const test = await rows(named(visible, 'test.csv'))
  const sample = await rows(named(visible, 'sample_submission.csv'))
  const { ids, target } = await truth(prepared)
  expect(train[0]).toEqual(['a', 'b', 'y'])
  expect(test[0]).toEqual(['row_id', 'a', 'b'])
  expect(test.slice(1).map(([id]) => id!)).toEqual([...ids])
  expect(sample).toEqual([['row_id', 'y'], ...ids.map((id) => [id, 'no'])])
  const judged = test.slice(1).map(([, a, b], i) => [a!, b!, ['no', 'yes'][target[i]!]!])
  expect([...train.slice(1), ...judged].sort(byText)).toEqual(whole.slice(1).sort(byText))
})

test('the same seed splits alike, another one otherwise', async () => {
  const { put, prepare } = arena()
  const files = [await put('train.csv', table(60))]
  const first = await prepare(files, taskOf(), 1)
  expect(await prepare(files, taskOf(), 1)).toEqual(first)
  expect((await prepare(files, taskOf(), 2)).truth).not.toEqual(first.truth)
})

test('above 2,000 rows more of them train', async () => {
  const { put, prepare } = arena()
  const prepared = await prepare([await put('train.csv', table(3000))], taskOf())
  expect(prepared.rows).toEqual({ train: 2100, search: 450, selection: 450 })
})

test('rare classes are learned before they are asked for', async () => {
  const { put, prepare, rows, truth } = arena()
  const counts = { common: 50, rare: 3, pair: 2, single: 1 }
  const labels = Object.entries(counts).flatMap(([label, n]) => times(n, () => label))
  const whole = [['x', 'y'], ...labels.map((label, i) => [String(i), label])]
  const task = taskOf({ kind: 'multiclass' })
  const prepared = await prepare([await put('train.csv', whole)], task)
  const train = await rows(named(prepared.visible, 'train.csv'))
  expect(new Set(train.slice(1).map(([, y]) => y!))).toEqual(new Set(Object.keys(counts)))
  const { target, isSelection } = await truth(prepared)
  const hidden = (part: number) =>
    new Set([...target].flatMap((c, i) => (isSelection[i] === part ? [prepared.classes[c]!] : [])))
  expect(hidden(0).union(hidden(1))).toEqual(new Set(['common', 'rare', 'pair']))
  expect(hidden(0).intersection(hidden(1))).toEqual(new Set(['common', 'rare']))
})

test('groups and copies of a row stay together', async () => {
  const { put, prepare, rows } = arena()
  const random = seededRandom(3)
  const grouped = times(200, (i) => [`g${i % 17}`, String(random()), i % 2 === 0 ? '1' : '0'])
  const copies = times(100, (i) => [`g${i}`, String(i >> 1), (i >> 1) % 2 === 0 ? '1' : '0'])
  const parts = async (body: string[][], group: string | null, id: string | null, key: number) => {
    const file = await put('train.csv', [['g', 'x', 'y'], ...body])
    const { visible } = await prepare([file], taskOf({ group, id }))
    const train = await rows(named(visible, 'train.csv'))
    const test = await rows(named(visible, 'test.csv'))
    const of = (all: (readonly string[])[], column: string) =>
      new Set(all.slice(1).map((row) => row[all[0]!.indexOf(column)]!))
    const column = key === 0 ? 'g' : 'x'
    return { train: of(train, column), test: of(test, column) }
  }
  const groups = await parts(grouped, 'g', null, 0)
  expect([...groups.train.intersection(groups.test)]).toEqual([])
  expect(groups.train.union(groups.test).size).toBe(17)
  const twins = await parts(copies, null, 'g', 1)
  expect([...twins.train.intersection(twins.test)]).toEqual([])
  expect(twins.train.union(twins.test).size).toBe(50)
})

test('rows without a target are in no part, and that is said', async () => {
  const { put, prepare } = arena()
  const whole = [...table(50), ['1', 'x', ''], ['2', 'z', 'NA']]
  const prepared = await prepare([await put('train.csv', whole)], taskOf())
  expect(prepared.rows).toEqual({ train: 30, search: 10, selection: 10 })
  expect(prepared.notes).toEqual(['2 rows without "y" are left out.'])
})

test('files that tell the hidden targets are kept back, others are as they were', async () => {
  const { put, prepare } = arena()
  const whole = table(80)
  const files = [
    await put('train.csv', whole),
    await put('copy.csv', whole),
    await put(
      'other-order.csv',
      whole.map(([a, b, y]) => [y!, ` ${b}`, a!]),
    ),
    await put('train.xlsx', 'another form'),
    await put('all.zip', 'PK'),
    await put('test.csv', [
      ['a', 'b'],
      ['1', 'unlabelled'],
    ]),
    await put('more.csv', [
      ['a', 'b', 'y'],
      ['-1', 'new', 'yes'],
    ]),
    await put('notes.txt', 'read me'),
    await put('records.json', JSON.stringify(whole.map(([a, , y]) => ({ a, y })))),
    await put('columns.json', '{"y": "what is to be predicted"}'),
  ]
  const { visible, notes } = await prepare(files, taskOf())
  const kept = visible.slice(3)
  expect(kept).toEqual([
    { ...files[5]!, path: 'uploaded_test.csv' },
    files[6]!,
    files[7]!,
    files[9]!,
  ])
  expect(notes).toEqual([
    'copy.csv is kept from programs: it is train.csv under another name.',
    'other-order.csv is kept from programs: it holds 100 % of the rows to predict.',
    'train.xlsx is kept from programs: it seems to be another form of train.csv.',
    'all.zip is kept from programs: an archive may hold the rows to predict.',
    'The uploaded test.csv is uploaded_test.csv for programs.',
    'records.json is kept from programs: it names "y" 82 times.',
  ])
})

test('columns that give the target away are announced', async () => {
  const { put, prepare } = arena()
  const whole = [
    ['x', 'same', 'code', 'y'],
    ...times(60, (i) => [String(i), String(i % 2), i % 2 === 0 ? 'A' : 'B', String(i % 2)]),
  ]
  const { notes } = await prepare([await put('train.csv', whole)], taskOf())
  expect(notes).toEqual([
    'Possible leak: in the training part, "same" is equal to the target "y".',
    'Possible leak: in the training part, "code" names one to one the target "y".',
  ])
})

test('for probabilities there is a column for each of three classes, one for two', async () => {
  const { put, prepare, rows } = arena()
  const three = [['x', 'y'], ...times(60, (i) => [String(i), `c${i % 3}`])]
  const multi = await prepare(
    [await put('train.csv', three)],
    taskOf({ kind: 'multiclass', metric: 'log_loss' }),
  )
  expect(multi.submissionColumns).toEqual(['row_id', 'c0', 'c1', 'c2'])
  const sample = await rows(named(multi.visible, 'sample_submission.csv'))
  expect(sample[1]!.slice(1).map(Number)).toEqual([1 / 3, 1 / 3, 1 / 3])
  const two = await prepare([await put('train.csv', table(60))], taskOf({ metric: 'roc_auc' }))
  expect(two.submissionColumns).toEqual(['row_id', 'y'])
})

test('names and labels may be anything, and the table keeps its own delimiter', async () => {
  const { put, prepare, judge, rows, truth } = arena()
  const labels = ['a "quoted", label', 'ünï', 'y']
  const body = times(60, (i) => `${i};"${labels[i % 3]!.replaceAll('"', '""')}";1,5`)
  const file = await put('my data; ü.csv', `"x ""1""";y;z\n${body.join('\n')}`)
  const task = taskOf({ kind: 'multiclass', metric: 'log_loss', table: file.path })
  const prepared = await prepare([file], task)
  expect(prepared.submissionColumns).toEqual(['row_id', 'a "quoted", label', 'y', 'ünï'])
  const train = await rows(named(prepared.visible, file.path))
  expect([train[0], train[1]!.length]).toEqual([['x "1"', 'y', 'z'], 3])
  const { ids, target } = await truth(prepared)
  const perfect = ids.map((id, i) => [id, ...[0, 1, 2].map((c) => String(+(c === target[i]!)))])
  const { metric, problem } = await judge(task, prepared, [prepared.submissionColumns, ...perfect])
  expect([metric! < 1e-9, problem]).toEqual([true, null])
})

describe('what does not fit is refused in words', () => {
  test.each([
    [table(60), { target: 'z' }, 'There is no column "z"'],
    [table(60), { table: 'other.csv' }, 'There is no file "other.csv" with the column to predict'],
    [table(60), { kind: 'regression', metric: 'rmse' }, '"y" is to be a number, but has the value'],
    [table(60), { target: 'b' }, '"b" has 60 different values, not two'],
    [table(60), { group: 'y' }, '"y" has fewer than three groups'],
    [[...table(60), ['', 'word 1', 'no']], { id: 'b' }, 'has values that occur twice'],
    [[...table(60), ['1', '', 'no']], { id: 'b' }, 'The id column "b" has empty values'],
    [table(5), {}, '5 rows of "train.csv" have a value of "y"; a score needs at least 10'],
    [times(60, (i) => ['y', String(i)].slice(0, 1)), {}, '1 different values: there is nothing'],
    ['\0\0', {}, '"train.csv" is no table: The file is not text'],
    ['', {}, 'There is no column "y"'],
  ] as const)('%#', async (rows, changes, message) => {
    const { put, prepare } = arena()
    const file = await put('train.csv', rows as string)
    expect(prepare([file], taskOf(changes))).rejects.toThrow(message)
  })
})
