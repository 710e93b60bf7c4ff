/** What the ingest routes accept, to the last column, and how they refuse the rest. */
import { describe, expect, test } from 'bun:test'
import { readBatch, readPoint } from '../../../plugins/tracking/ingest.ts'
import { parseJson } from '../../../plugins/tracking/numbers.ts'

const newYear = Date.UTC(2023, 0, 1) * 1000
const long = (length: number): string => 'x'.repeat(length)

describe('readPoint', () => {
  test.each([
    ['{"name":"a","value":1}', { name: 'a', value: 1, step: 0, time: undefined }],
    ['{"name":"a/b","value":NaN,"step":null}', { name: 'a/b', value: Number.NaN, step: 0 }],
    ['{"name":"a","value":"-Infinity","step":-3}', { name: 'a', value: -Infinity, step: -3 }],
    [
      '{"name":"__proto__","value":0.5,"step":1e3,"timestamp":"2023-01-01T00:00:00"}',
      { name: '__proto__', value: 0.5, step: 1000, time: newYear },
    ],
  ])('%s', (text, point) => {
    expect(readPoint(parseJson(text))).toEqual({ time: undefined, ...point })
  })

  test.each([
    ['[]', 'body: must be an object'],
    ['null', 'body: must be an object'],
    ['{"value":1}', 'body.name: must be a string'],
    ['{"name":"","value":1}', 'body.name: must not be empty'],
    [`{"name":"${long(251)}","value":1}`, 'body.name: must not be longer than 250 characters'],
    ['{"name":"a\\u0000","value":1}', 'body.name: must not hold control characters'],
    ['{"name":"\\ud800","value":1}', 'body.name: must be well-formed Unicode'],
    ['{"name":"a"}', 'body.value: must be a number'],
    ['{"name":"a","value":true}', 'body.value: must be a number'],
    ['{"name":"a","value":"1"}', 'body.value: must be a number'],
    ['{"name":"a","value":1,"step":1.5}', 'body.step: must be an integer'],
    ['{"name":"a","value":1,"step":"1"}', 'body.step: must be an integer'],
    ['{"name":"a","value":1,"step":9007199254740993}', 'body.step: must be an integer'],
    ['{"name":"a","value":1,"timestamp":5}', 'body.timestamp: must be a string'],
    ['{"name":"a","value":1,"timestamp":"x"}', '"x" is not a time'],
  ])('%s is refused', (text, message) => {
    expect(() => readPoint(parseJson(text))).toThrow(message)
  })
})

describe('readBatch', () => {
  test('the map of the document', () => {
    const text =
      '{"metrics":{"loss":0.5,"__proto__":NaN,"constructor":2},"step":7,"batch_id":"w:1"}'
    expect(readBatch(parseJson(text))).toEqual({
      series: [
        { name: 'loss', values: [0.5], steps: [7] },
        { name: '__proto__', values: [Number.NaN], steps: [7] },
        { name: 'constructor', values: [2], steps: [7] },
      ],
      points: 3,
      batchId: 'w:1',
    })
  })

  test('the map with a time', () => {
    const text = '{"metrics":{"a":1},"timestamp":"2023-01-01T00:00:00"}'
    expect(readBatch(parseJson(text))).toEqual({
      series: [{ name: 'a', values: [1], steps: [0], times: [newYear] }],
      points: 1,
      batchId: undefined,
    })
  })

  test('columns are handed on as they are', () => {
    const body = {
      series: [
        { name: 'a', values: [1, 'NaN'], steps: [1, 2], times: [5, 6] },
        { name: 'b', values: [3] },
        { name: 'c', values: [], steps: null },
      ],
    }
    const batch = readBatch(body)
    expect(batch).toEqual({
      series: [
        { name: 'a', values: [1, Number.NaN], steps: [1, 2], times: [5, 6] },
        { name: 'b', values: [3] },
        { name: 'c', values: [] },
      ],
      points: 3,
      batchId: undefined,
    })
    expect(batch.series[0]?.values).toBe(body.series[0]?.values as number[])
  })

  test('nothing is a batch, too', () => {
    expect(readBatch({ metrics: {} })).toEqual({ series: [], points: 0, batchId: undefined })
  })

  const many = (count: number, item: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => item(i)).join(',')

  test.each([
    ['neither form', '{}', 'body.metrics: must be an object'],
    ['both forms', '{"metrics":{},"series":[]}', 'body: has both metrics and series'],
    ['metrics as a list', '{"metrics":[1]}', 'body.metrics: must be an object'],
    ['text as a value', '{"metrics":{"a":"x"}}', 'body.metrics.a: must be a number'],
    ['an empty name', '{"metrics":{"":1}}', 'body.metrics.: must not be empty'],
    ['series as an object', '{"series":{}}', 'body.series: must be an array'],
    ['a series of null', '{"series":[null]}', 'body.series.0: must be an object'],
    ['no values', '{"series":[{"name":"a"}]}', 'body.series.0.values: must be an array'],
    [
      'a null value',
      '{"series":[{"name":"a","values":[1,null]}]}',
      'body.series.0.values.1: must be a number',
    ],
    [
      'too few steps',
      '{"series":[{"name":"a","values":[1,2],"steps":[1]}]}',
      'body.series.0.steps: has 1 items, and values has 2',
    ],
    [
      'a broken step',
      '{"series":[{"name":"a","values":[1],"steps":[0.5]}]}',
      'body.series.0.steps.0: must be an integer',
    ],
    [
      'a time as text',
      '{"series":[{"name":"a","values":[1],"times":["2023-01-01"]}]}',
      'body.series.0.times.0: must be an integer',
    ],
    ['a number as batch id', '{"metrics":{},"batch_id":1}', 'body.batch_id: must be a string'],
    ['a long batch id', `{"metrics":{},"batch_id":"${long(129)}"}`, 'must be text of 1 to 128'],
    [
      'too many names',
      `{"metrics":{${many(10_001, (i) => `"m${i}":1`)}}}`,
      'body.metrics: has too many names',
    ],
    [
      'too many points',
      `{"series":[{"name":"a","values":[${many(100_001, () => '1')}]}]}`,
      'body.series: has 100001 points; a batch takes 100000',
    ],
  ])('%s is refused', (_what, text, message) => {
    expect(() => readBatch(parseJson(text))).toThrow(message)
  })
})
