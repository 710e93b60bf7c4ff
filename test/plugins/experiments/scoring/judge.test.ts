/** Checks what a submission has to be, and that its score is the server's own. */
import { describe, expect, test } from 'bun:test'
import type { Row } from '../../../../plugins/experiments/data/csv.ts'
import type { Task } from '../../../../plugins/experiments/scoring/task.ts'
import { arena, taskOf } from './table.ts'

const times = <T>(count: number, of: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i))

const labelled = (labels: readonly string[]) => [
  ['x', 'y'],
  ...times(100, (i) => [String(i * 3 + 0.5), labels[i % labels.length]!]),
]

interface Row2 {
  readonly id: string
  /** The truth. */
  readonly y: string
  readonly i: number
}

/** Prepares a table with these labels, and judges a submission made of the truth. */
const judged = async (
  changes: Partial<Task>,
  labels: readonly string[],
  make: (rows: Row2[]) => readonly Row[] | string | null,
) => {
  const { put, prepare, judge, truth } = arena()
  const task = taskOf(changes)
  const prepared = await prepare([await put('train.csv', labelled(labels))], task)
  const { ids, target } = await truth(prepared)
  const rows = ids.map((id, i) => {
    const y = prepared.classes[target[i]!] ?? String(target[i])
    return { id, y, i }
  })
  return await judge(task, prepared, make(rows))
}

const binary = ['no', 'yes']
const three = ['a', 'b', 'c']

describe('a submission is scored', () => {
  test('by its labels, wholly right', async () => {
    const rows = (all: Row2[]) => [['row_id', 'y'], ...all.map(({ id, y }) => [id, y])]
    expect(await judged({}, binary, rows)).toEqual({
      metric: 1,
      selectionMetric: 1,
      interval: [1, 1],
      problem: null,
      failure: null,
      warnings: ['Every prediction is right: look for a leak of the target.'],
    })
  })

  test('in any order, with other columns, and ids and labels spelled as numbers are', async () => {
    const { metric } = await judged({}, ['0', '1'], (all) => [
      ['y', 'extra', 'row_id'],
      ...all.toReversed().map(({ id, y }) => [`${y}.0`, 'x', `${id}.0`]),
    ])
    expect(metric).toBe(1)
  })

  test('constant predictions are half right, and that is said', async () => {
    const { metric, interval, warnings } = await judged({}, binary, (all) => [
      ['row_id', 'y'],
      ...all.map(({ id }) => [id, 'YES']),
    ])
    expect(metric).toBe(0.5)
    expect(interval![0]).toBeGreaterThan(0.2)
    expect(interval![0]).toBeLessThan(0.4)
    expect(interval![1]).toBeGreaterThan(0.6)
    expect(warnings).toEqual(['All predictions of "y" are the same.'])
  })

  test('probabilities of two classes count for the second', async () => {
    const rows = (all: Row2[]) => [
      ['row_id', 'y'],
      ...all.map(({ id, y }) => [id, y === 'yes' ? '0.8' : '0.2']),
    ]
    const logLoss = await judged({ metric: 'log_loss', maximize: false }, binary, rows)
    expect(logLoss.metric).toBeCloseTo(-Math.log(0.8), 12)
    const accuracy = await judged({}, binary, rows)
    expect([accuracy.metric, accuracy.warnings[0]]).toEqual([
      1,
      'Probabilities of "yes" were cut at 0.5 to get labels.',
    ])
  })

  test('the order alone counts for an area under the curve', async () => {
    const { metric } = await judged({ metric: 'roc_auc' }, binary, (all) => [
      ['row_id', 'y'],
      ...all.map(({ id, y, i }) => [id, String((y === 'yes' ? 5 : -5) + i / 1000)]),
    ])
    expect(metric).toBe(1)
  })

  test('labels where probabilities are wanted count, with a warning', async () => {
    const { metric, warnings } = await judged({ metric: 'roc_auc' }, binary, (all) => [
      ['row_id', 'y'],
      ...all.map(({ id, y, i }) => [id, i % 10 === 0 ? 'yes' : y]),
    ])
    expect(metric).toBeGreaterThan(0.7)
    expect(warnings).toEqual(['Labels were given; roc_auc is computed from probabilities.'])
  })

  test('a column for each class: made to sum to 1, or turned into labels', async () => {
    const rows = (all: Row2[]) => [
      ['row_id', ...three],
      ...all.map(({ id, y }) => [id, ...three.map((c) => (c === y ? '1' : '0.5'))]),
    ]
    const loss = await judged(
      { kind: 'multiclass', metric: 'log_loss', maximize: false },
      three,
      rows,
    )
    expect(loss.metric).toBeCloseTo(Math.log(2), 12)
    expect(loss.warnings).toEqual(['Probabilities of 40 rows did not sum to 1 and were made to.'])
    expect((await judged({ kind: 'multiclass' }, three, rows)).metric).toBe(1)
  })

  test('a copy of an input column is seen', async () => {
    const { put, prepare, judge, rows } = arena()
    const task = taskOf({ kind: 'regression', metric: 'rmse', maximize: false })
    const table = [['x', 'y'], ...times(100, (i) => [String(i), String(i * 2)])]
    const prepared = await prepare([await put('train.csv', table)], task)
    const test = await rows(prepared.visible.find(({ path }) => path === 'test.csv'))
    const copied = [['row_id', 'y'], ...test.slice(1).map(([id, x]) => [id!, x!])]
    expect((await judge(task, prepared, copied)).warnings).toEqual([
      'The predictions are a copy of the column "x".',
    ])
  })
})

describe('a submission that cannot be scored says why', () => {
  const header = ['row_id', 'y']
  const right = (all: Row2[]) => all.map(({ id, y }) => [id, y])
  const probability = (value: string) => (all: Row2[]) => [
    header,
    ...all.map(({ id }, i) => [id, i === 3 ? value : '0.5']),
  ]
  const loss = { metric: 'log_loss', maximize: false } as const
  const rmse = { kind: 'regression', metric: 'rmse', maximize: false } as const
  const numbers = ['1', '2', '3']

  test.each([
    [
      {},
      binary,
      () => null,
      'The program left no working/submission.csv with the columns row_id, y',
    ],
    [{}, binary, (all: Row2[]) => [['id', 'y'], ...right(all)], 'has no column "row_id"'],
    [{}, binary, (all: Row2[]) => [['row_id', 'z'], ...right(all)], 'has no column "y"'],
    [
      {},
      binary,
      (all: Row2[]) => [header, ...right(all).slice(2)],
      'misses 2 of 40 ids, the first is "0"',
    ],
    [{}, binary, (all: Row2[]) => [header, ...right(all), ['999', 'no']], 'the unknown id "999"'],
    [{}, binary, (all: Row2[]) => [header, ...right(all), ['0', 'no']], 'the id "0" twice'],
    [
      {},
      binary,
      (all: Row2[]) => [header, ...right(all).map(([id]) => [id!, 'maybe'])],
      '"y" is "maybe" in the submission, which is none of no, yes (row_id "0")',
    ],
    [
      {},
      binary,
      (all: Row2[]) => [header, ...right(all).map(([id]) => [id!, ''])],
      '"y" is empty or NaN',
    ],
    [{}, binary, () => '', 'has no column "row_id"'],
    [{}, binary, () => '\0', 'The submission is no table: The file is not text'],
    [rmse, numbers, probability('nan'), '"y" is empty or NaN in the submission (row_id "3")'],
    [
      rmse,
      numbers,
      probability('inf'),
      '"y" is "inf" in the submission, which is no finite number',
    ],
    [
      rmse,
      numbers,
      probability('high'),
      '"y" is "high" in the submission, which is no finite number',
    ],
    [loss, binary, probability('1.5'), '"y" is 1.5 in the submission, which is no probability'],
    [loss, binary, probability('inf'), '"y" is "inf" in the submission, which is no finite number'],
    [
      { ...loss, kind: 'multiclass' },
      three,
      (all: Row2[]) => [['row_id', 'a', 'c'], ...all.map(({ id }) => [id, '1', '0'])],
      'has no column "b"',
    ],
    [
      { ...loss, kind: 'multiclass' },
      three,
      (all: Row2[]) => [['row_id', ...three], ...all.map(({ id }) => [id, '0', '0', '0'])],
      'The probabilities of a row are all 0',
    ],
  ] as const)('%#', async (changes, labels, make, problem) => {
    const judgement = await judged(changes, labels, make)
    expect(judgement).toEqual({
      metric: null,
      selectionMetric: null,
      interval: null,
      problem: expect.stringContaining(problem),
      failure:
        make.length === 0 && problem.startsWith('The program')
          ? 'no_predictions'
          : 'invalid_predictions',
      warnings: [],
    })
  })

  test('a metric without a value', async () => {
    const negative = await judged({ ...rmse, metric: 'rmsle' }, numbers, (all) => [
      header,
      ...all.map(({ id }) => [id, '-5']),
    ])
    expect([negative.failure, negative.problem]).toEqual([
      'non_finite_metric',
      'rmsle cannot be computed: there are predictions of -1 or less',
    ])
  })
})

test('rankings are scored by query', async () => {
  const { put, prepare, judge, rows } = arena()
  const task = taskOf({ kind: 'ranking', metric: 'ndcg', group: 'q' })
  const table = [['q', 'x', 'y'], ...times(200, (i) => [`q${i >> 2}`, String(i), String(i % 4)])]
  const prepared = await prepare([await put('train.csv', table)], task)
  expect(prepared.rows).toEqual({ train: 120, search: 40, selection: 40 })
  const test = await rows(prepared.visible.find(({ path }) => path === 'test.csv'))
  const scored = (score: (x: number) => number) => [
    ['row_id', 'y'],
    ...test.slice(1).map(([id, , x]) => [id!, String(score(Number(x)))]),
  ]
  const best = await judge(
    task,
    prepared,
    scored((x) => x % 4),
  )
  expect([best.metric, best.selectionMetric, best.interval]).toEqual([1, 1, [1, 1]])
  const worst = await judge(
    task,
    prepared,
    scored((x) => -(x % 4)),
  )
  expect(worst.metric).toBeLessThan(0.7)
})

test('ids that are the same number are told apart by their spelling', async () => {
  const { put, prepare, judge, truth } = arena()
  const ids = times(60, (i) => (i % 2 === 0 ? `${i}` : `0${i - 1}`))
  const task = taskOf({ id: 'id' })
  const table = [['id', 'x', 'y'], ...ids.map((id, i) => [id, `v${i}`, binary[i % 2]!])]
  const prepared = await prepare([await put('train.csv', table)], task)
  const known = await truth(prepared)
  const rows = known.ids.map((id, i) => [id, prepared.classes[known.target[i]!]!])
  expect(prepared.submissionColumns).toEqual(['id', 'y'])
  expect((await judge(task, prepared, [['id', 'y'], ...rows])).metric).toBe(1)
})

test('many classes are scored in good time', async () => {
  const { put, prepare, judge, truth } = arena()
  const task = taskOf({ kind: 'multiclass', metric: 'roc_auc' })
  const table = [['x', 'y'], ...times(3000, (i) => [String(i), `c${i % 300}`])]
  const prepared = await prepare([await put('train.csv', table)], task)
  const { ids, target } = await truth(prepared)
  const rows = ids.map((id, i) => [id, ...times(300, (c) => (c === target[i] ? '0.5' : '0.1'))])
  const { metric, interval } = await judge(task, prepared, [prepared.submissionColumns, ...rows])
  expect([metric, interval]).toEqual([1, [1, 1]])
})
