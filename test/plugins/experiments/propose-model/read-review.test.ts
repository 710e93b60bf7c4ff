/** A review is read out of a call, out of JSON however wrapped, or out of plain words. */
import { describe, expect, test } from 'bun:test'
import {
  readReview,
  type ReadReview,
} from '../../../../plugins/experiments/propose/model/read-review.ts'

const review = (metric: number | null, more: Partial<ReadReview> = {}): ReadReview => ({
  isBug: false,
  summary: 's',
  metric,
  lowerIsBetter: false,
  ...more,
})

const object = (metric: unknown, more: object = {}) => ({
  is_bug: false,
  summary: 's',
  metric,
  lower_is_better: false,
  ...more,
})

describe('what the tool was handed', () => {
  test.each([
    ['a number', object(0.5), review(0.5)],
    ['an integer', object(1), review(1)],
    ['a number in a text', object('0.5'), review(0.5)],
    ['a share', object('91.5 %'), review(0.915)],
    ['not a number', object('NaN'), review(Number.NaN)],
    ['minus infinity', object('-inf'), review(-Infinity)],
    ['no metric', object(null), review(null)],
    ['words for a metric', object('good'), review(null)],
    ['a bug', object(null, { is_bug: true }), review(null, { isBug: true })],
    [
      'truth in words',
      object(1, { is_bug: 'True', lower_is_better: 'true' }),
      review(1, { isBug: true, lowerIsBetter: true }),
    ],
    ['a metric alone', { metric: 2 }, review(2, { summary: '', lowerIsBetter: null })],
    [
      'almost JSON',
      '{"is_bug": false, "summary": "s", "metric": NaN, "lower_is_better": False}',
      review(Number.NaN),
    ],
  ])('%s', (_name, input, found) => {
    expect(readReview(input, '')).toEqual(found)
  })

  test.each([
    ['an empty object', {}],
    ['a list', [1]],
    ['a number', 5],
    ['prose', 'It is fine'],
  ])('%s is no review', (_name, input) => {
    expect(readReview(input, '')).toBeNull()
  })

  test('an empty object gives way to what was said', () => {
    expect(readReview({}, JSON.stringify(object(0.5)))).toEqual(review(0.5))
  })
})

describe('JSON in words', () => {
  const json = JSON.stringify(object(0.5))
  test.each([
    ['alone', json, review(0.5)],
    ['fenced', `Here:\n\`\`\`json\n${json}\n\`\`\`\nBye.`, review(0.5)],
    ['the format said back first', `{"metric": 9} as asked: ${json}`, review(0.5)],
    ['followed by another object', `${json} with {"x": 1}`, review(0.5)],
    ['behind thoughts', `<think>{"metric": 9}</think>${json}`, review(0.5)],
    [
      'braces in the summary',
      JSON.stringify(object(0.5, { summary: 'It printed {a: "1}"}' })),
      review(0.5, { summary: 'It printed {a: "1}"}' }),
    ],
    [
      'as Python says it',
      '{\'no\': 1} {"is_bug": True, "metric": None}',
      {
        isBug: true,
        summary: '',
        metric: null,
        lowerIsBetter: null,
      },
    ],
    [
      'words of Python in the summary',
      '{"is_bug": False, "summary": "None is True", "metric": 1, "lower_is_better": False}',
      review(1, { summary: 'None is True' }),
    ],
    [
      'infinity',
      '{"is_bug": false, "summary": "s", "metric": -Infinity, "lower_is_better": false}',
      review(-Infinity),
    ],
  ])('%s', (_name, text, found) => {
    expect(readReview(null, text)).toEqual(found)
  })
})

describe('plain words', () => {
  test.each([
    ['The validation metric is 0.83.', 0.83, null],
    ['**Metric:** 0.83 (lower is better)', 0.83, true],
    ['metric (accuracy): 91 %, higher is better', 0.91, false],
    ['Validation metric value = -1.5e-3', -0.0015, null],
    ['lower_is_better: false, metric: 2', 2, false],
    ['The metric was nan', Number.NaN, null],
    ['First metric: 0.1, then metric: 0.2', 0.2, null],
  ])('%s', (text, metric, lowerIsBetter) => {
    expect(readReview(null, text)).toEqual({ isBug: false, summary: text, metric, lowerIsBetter })
  })

  test('a bug', () => {
    const text = 'is_bug: true. It raised.'
    const found = { isBug: true, summary: text, metric: null, lowerIsBetter: null }
    expect(readReview(null, text)).toEqual(found)
  })

  test.each([
    'I would rather not say.',
    'The metric improved over 5 folds.',
    'The metric could not be read from the 3 lines.',
    '',
    '{',
    '{"summary": "no verdict"}',
  ])('nothing is read out of: %s', (text) => {
    expect(readReview(null, text)).toBeNull()
  })
})
