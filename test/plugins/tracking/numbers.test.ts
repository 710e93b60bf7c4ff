/** JSON as Python writes it is read, and what is answered is JSON that everybody reads. */
import { describe, expect, test } from 'bun:test'
import {
  numberJson,
  numberOf,
  numbersJson,
  parseJson,
  toJson,
} from '../../../plugins/tracking/numbers.ts'

describe('parseJson', () => {
  test.each([
    ['NaN', 'NaN'],
    ['[NaN,Infinity,-Infinity]', ['NaN', 'Infinity', '-Infinity']],
    ['{"a": NaN, "b": [1, -Infinity]}', { a: 'NaN', b: [1, '-Infinity'] }],
    ['{"NaN": NaN}', { NaN: 'NaN' }],
    ['{"a":"NaN, Infinity","b":NaN}', { a: 'NaN, Infinity', b: 'NaN' }],
    [String.raw`{"a":"\" NaN \\","b":NaN}`, { a: '" NaN \\', b: 'NaN' }],
    [String.raw`{"a\\\"":NaN,"\\":Infinity}`, { 'a\\"': 'NaN', '\\': 'Infinity' }],
    ['{"a":"-Infinity","b":1e400}', { a: '-Infinity', b: Number.POSITIVE_INFINITY }],
  ])('%s', (text, value) => {
    expect(parseJson(text)).toEqual(value)
  })

  test.each([
    ...['', 'nan', '-NaN', '+Infinity', 'NaNs', '{"a":NaN', '{"a":"NaN}', '[NaN NaN]'],
    ...['{"a":undefined}', '"\\'],
  ])('%p is refused', (text) => {
    expect(() => parseJson(text)).toThrow('The body is not valid JSON')
  })

  test('names of the language are names like any other', () => {
    const parsed = parseJson('{"__proto__":NaN,"constructor":1,"toString":2}') as object
    expect(Object.entries(parsed)).toEqual([
      ['__proto__', 'NaN'],
      ['constructor', 1],
      ['toString', 2],
    ])
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
  })

  test('a long body with one bare token at its end is read', () => {
    const text = `{"a":"${'\\"x'.repeat(200_000)}","b":NaN}`
    expect(parseJson(text)).toEqual({ a: '"x'.repeat(200_000), b: 'NaN' })
  })
})

test.each([
  [1.5, 1.5],
  ['NaN', Number.NaN],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['nan', undefined],
  ['1', undefined],
  ['__proto__', undefined],
  [null, undefined],
  [true, undefined],
])('numberOf(%p)', (value, number) => {
  expect(numberOf(value)).toEqual(number)
})

test('written numbers are JSON and read back exactly', () => {
  const numbers = [0.1, 1e21, 5e-324, 1.7976931348623157e308, -3, Number.NaN, Infinity, -Infinity]
  const read = JSON.parse(numbersJson(numbers)) as unknown[]
  expect(read.map(numberOf)).toEqual(numbers)
  expect(numbersJson(numbers, 2, 3)).toBe(`[${5e-324}]`)
  expect(numbersJson([])).toBe('[]')
  expect(numberJson(-0)).toBe('0')
})

test('toJson writes numbers beyond the range as words', () => {
  expect(toJson({ a: [Infinity, Number.NaN, 1] })).toBe('{"a":["Infinity","NaN",1]}')
})
