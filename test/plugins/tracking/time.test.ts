/** Times mean UTC whatever the machine's time zone, and keep every microsecond. */
import { describe, expect, test } from 'bun:test'
import { microsToNaiveIso, parseTime, toNaiveIso } from '../../../plugins/tracking/time.ts'

const newYear = Date.UTC(2023, 0, 1) * 1000

describe('parseTime', () => {
  test.each([
    ['2023-01-01T00:00:00', newYear],
    ['2023-01-01 00:00:00', newYear],
    ['2023-01-01', newYear],
    ['2023-01-01T00:00', newYear],
    ['2023-01-01T00:00:00Z', newYear],
    ['2023-01-01T01:30:00+01:30', newYear],
    ['2022-12-31T19:00:00-0500', newYear],
    ['2023-01-01T00:00:00.5', newYear + 500_000],
    ['2023-01-01T00:00:00.000001', newYear + 1],
    ['2023-01-01T00:00:00.123456789Z', newYear + 123_456],
    ['1969-12-31T23:59:59.999999', -1],
    ['2024-02-29T00:00:00', Date.UTC(2024, 1, 29) * 1000],
  ])('%s', (text, micros) => {
    expect(parseTime(text)).toBe(micros)
  })

  test.each([
    ...['', 'now', '1672531200', '2023', '2023-1-1', '2023-13-01', '2023-02-29', '2023-02-30'],
    ...['2023-01-01T24:00:00', '2023-01-01T00:60:00', '2023-01-01T00:00:60', '2023-01-01T'],
    ...['2023-01-01T00:00:00+25:00', '2023-01-01T00:00:00 Z', ' 2023-01-01', '2023-01-01\n'],
    ...['0001-01-01', '9999-12-31T00:00:00', '٢٠٢٣-01-01'],
  ])('%p is refused', (text) => {
    expect(() => parseTime(text)).toThrow(/is not (a time|between)/)
  })
})

test.each([
  [0, '1970-01-01T00:00:00'],
  [newYear, '2023-01-01T00:00:00'],
  [newYear + 1, '2023-01-01T00:00:00.000001'],
  [newYear + 86_399_999_999, '2023-01-01T23:59:59.999999'],
  [-1, '1969-12-31T23:59:59.999999'],
])('microsToNaiveIso(%d)', (micros, text) => {
  expect(microsToNaiveIso(micros)).toBe(text)
})

test('every written time is read as itself', () => {
  const step = 12_345_678_901_234.5
  for (let i = -700; i <= 700; i++) {
    const micros = Math.round(i * step)
    expect(parseTime(microsToNaiveIso(micros))).toBe(micros)
  }
})

test('toNaiveIso takes milliseconds', () => {
  expect(toNaiveIso(Date.UTC(2023, 0, 1) + 0.5)).toBe('2023-01-01T00:00:00.000500')
})
