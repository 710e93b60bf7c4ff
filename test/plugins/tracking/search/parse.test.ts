/** The filter language: what it reads, and how it tells what it cannot read. */
import { describe, expect, test } from 'bun:test'
import { parseFilter, parseOrder } from '../../../../plugins/tracking/search/parse.ts'
import type { Filter } from '../../../../plugins/tracking/search/syntax.ts'

const metric = (name: string, part: 'last' | 'min' | 'max' = 'last') =>
  ({ kind: 'metric', name, part }) as const
const param = (key: string) => ({ kind: 'param', key }) as const
const name = { kind: 'attribute', name: 'name' } as const
const named = (value: string): Filter => ({ kind: 'compare', field: name, op: '=', value })

const readable: [string, Filter | null][] = [
  ['', null],
  [' \n\t ', null],
  ['metrics.loss < 0.5', { kind: 'compare', field: metric('loss'), op: '<', value: 0.5 }],
  [
    'metrics.loss.min>=-inf',
    { kind: 'compare', field: metric('loss', 'min'), op: '>=', value: -Infinity },
  ],
  ['metrics."loss.max" = 1', { kind: 'compare', field: metric('loss.max'), op: '=', value: 1 }],
  ['metrics.loss."max" = 1', { kind: 'compare', field: metric('loss.max'), op: '=', value: 1 }],
  ['metrics.max = 1', { kind: 'compare', field: metric('max'), op: '=', value: 1 }],
  [
    'metrics.val/acc-top@5 > 1',
    { kind: 'compare', field: metric('val/acc-top@5'), op: '>', value: 1 },
  ],
  [
    'metrics.`a "b"`.max = nan',
    { kind: 'compare', field: metric('a "b"', 'max'), op: '=', value: NaN },
  ],
  ['METRICS.Loss == .5e-3', { kind: 'compare', field: metric('Loss'), op: '=', value: 0.0005 }],
  ['metrics.größe = 1', { kind: 'compare', field: metric('größe'), op: '=', value: 1 }],
  ['params.layers.0 != +64.', { kind: 'compare', field: param('layers.0'), op: '!=', value: 64 }],
  ['params.amp = TRUE', { kind: 'compare', field: param('amp'), op: '=', value: true }],
  [
    "params.o ~ 'it''s \\'a\\' \\\\ \\n'",
    { kind: 'compare', field: param('o'), op: '~', value: "it's 'a' \\ \\n" },
  ],
  ['params.o contains "x"', { kind: 'compare', field: param('o'), op: '~', value: 'x' }],
  ['params.o in (1, "a", false)', { kind: 'in', field: param('o'), values: [1, 'a', false] }],
  ['params.o is null', { kind: 'absent', field: param('o') }],
  ['params.o is not null', { kind: 'not', term: { kind: 'absent', field: param('o') } }],
  ['tags contains "demo"', { kind: 'compare', field: { kind: 'tags' }, op: '=', value: 'demo' }],
  [
    'tags not in ("a")',
    { kind: 'not', term: { kind: 'in', field: { kind: 'tags' }, values: ['a'] } },
  ],
  [
    'started_at >= "1970-01-01T00:00:01+00:00"',
    {
      kind: 'compare',
      field: { kind: 'attribute', name: 'started_at' },
      op: '>=',
      value: 1_000_000,
    },
  ],
  [
    'name = "a" or name = "b" and not name = "c"',
    {
      kind: 'or',
      terms: [named('a'), { kind: 'and', terms: [named('b'), { kind: 'not', term: named('c') }] }],
    },
  ],
  [
    '(name = "a" or name = "b") AND name = "c"',
    {
      kind: 'and',
      terms: [{ kind: 'or', terms: [named('a'), named('b')] }, named('c')],
    },
  ],
]

test.each(readable)('reads %s', (text, filter) => {
  expect(parseFilter(text)).toEqual(filter)
})

const known =
  '(known: metrics.<name>, params.<key>, tags, id, project_id, name, notes, status, ' +
  'started_at, ended_at, created_at, duration)'

const wrong: [string, string][] = [
  ['metrics.loss <', 'needs a value at position 15'],
  ['status = running', 'needs a value (text needs quotes: "running") at position 10'],
  ['status = "done"', 'needs one of running, completed, failed, killed, crashed at position 10'],
  ['metrics.loss 0.5', 'needs an operator such as = or < at position 14'],
  ['metrics.loss = "a"', 'needs a number at position 16'],
  [
    'metrics.loss < nan',
    'can compare nan only with = or != and only to metrics and params at position 16',
  ],
  ['metrics = 1', 'needs a name after "metrics." at position 1'],
  ['metrics. = 1', 'has an unexpected " " at position 9'],
  ['metrics."" = 1', 'needs a name after "metrics." at position 1'],
  ['metrics.loss ~ "x"', 'cannot use ~ on numbers at position 16'],
  ['name < "x"', 'cannot use < on text at position 6'],
  ['params.a < "x"', 'needs a number at position 12'],
  ['name = 1', 'needs text in quotes at position 8'],
  ['ended_at < "soon"', 'needs a time such as "2023-01-01T00:00:00" at position 12'],
  ['name = "a', 'has a " that is never closed at position 8'],
  ['(name = "a"', 'needs "and", "or" or ")" at position 12'],
  ['name = "a")', 'needs "and", "or" or the end at position 11'],
  ['name in ()', 'needs a value at position 10'],
  ['name in ("a"', 'needs "," or ")" at position 13'],
  ['name not = "a"', 'needs "in" or "contains" at position 10'],
  ['name is nothing', 'needs "null" at position 9'],
  ['and', `has the unknown field "and" ${known} at position 1`],
  ['name = "a" & name = "b"', 'has an unexpected "&" at position 12'],
  ["name = 'a'; drop table tracking_run", 'has an unexpected ";" at position 11'],
  ['`name` = "x"', `has the unknown field "name" ${known} at position 1`],
  ['💥', 'has an unexpected "💥" at position 1'],
]

test.each(wrong)('refuses %s', (text, problem) => {
  const message = `filter ${problem}`
  expect(() => parseFilter(text)).toThrow(
    expect.objectContaining({ status: 400, message, issues: [{ path: 'filter', message }] }),
  )
})

describe('limits', () => {
  const refused: [string, string, string][] = [
    ['depth', `${'('.repeat(60)}name = "a"${')'.repeat(60)}`, 'is nested deeper than 50'],
    ['nots', `${'not '.repeat(60)}name = "a"`, 'is nested deeper than 50'],
    ['comparisons', Array(101).fill('id=1').join(' or '), 'has more than 100 comparisons'],
    ['list', `id in (${Array(1001).fill('1').join(',')})`, 'lists more than 1000 values'],
    ['length', 'x'.repeat(4097), 'is longer than 4096 characters'],
    ['NUL', 'name = "\0"', 'holds NUL at position 9'],
  ]
  test.each(refused)('of %s', (_, text, problem) => {
    expect(() => parseFilter(text)).toThrow(problem)
  })
})

test('an order names fields and directions', () => {
  expect(parseOrder(['metrics.loss', 'params.lr DESC', 'name asc'])).toEqual([
    { field: metric('loss'), descending: false },
    { field: param('lr'), descending: true },
    { field: name, descending: false },
  ])
  expect(() => parseOrder(['metrics.loss down'])).toThrow(
    'needs "asc", "desc" or the end at position 14',
  )
  expect(() => parseOrder(['tags'])).toThrow('order_by cannot order by tags at position 1')
  expect(() => parseOrder(Array(9).fill('name'))).toThrow('order_by has more than 8 terms')
})

test('random text is read or refused, nothing else', () => {
  const words = [
    'metrics.a',
    'params."b c"',
    'tags',
    'name',
    '=',
    '<',
    '~',
    'in',
    '(',
    ')',
    'and',
    'or',
    'not',
    'is',
    'null',
    '"x"',
    "'",
    '`',
    '1',
    '-inf',
    'nan',
    '.',
    ',',
    '\\',
    '!',
    'true',
  ]
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * below)
  }
  let readAtAll = 0
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random(8) }, () => words[random(words.length)]).join(' ')
    try {
      parseFilter(text)
      readAtAll++
    } catch (error) {
      expect(error).toHaveProperty('code', 'bad_request')
    }
  }
  expect(readAtAll).toBeGreaterThan(0)
})
