/** What is said of a value that fits no member of a union. */
import { expect, test } from 'bun:test'
import { Type as t, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { unionMessage } from '../../src/kernel/union-message.ts'

const literal = (...words: string[]) => t.Union(words.map((word) => t.Literal(word)))

const shapes = t.Union([
  t.Object({ kind: t.Literal('round'), size: t.Number({ minimum: 0 }) }),
  t.Object({ kind: t.Literal('square'), sides: t.Integer() }),
])

test.each<[TSchema, unknown, string | undefined]>([
  [literal('greedy', 'UCT'), 'magic', 'Expected one of greedy, UCT'],
  [
    t.Union([t.String({ format: 'integer' }), t.Integer({ maximum: 50 })]),
    51,
    'Expected integer to be less or equal to 50',
  ],
  [t.Union([t.Integer(), t.Null()]), 'x', 'Expected integer'],
  [shapes, { kind: 'round', size: -1 }, 'size: Expected number to be greater or equal to 0'],
  [shapes, { kind: 'square' }, 'sides: Expected required property'],
  [shapes, { kind: 'flat' }, 'kind: Expected one of round, square'],
  [shapes, 'round', 'kind: Expected one of round, square'],
  [t.Integer(), 'x', undefined],
])('%j and %j: %p', (schema, value, message) => {
  const [error] = [...Value.Errors(schema, value)]
  expect(error && unionMessage(error)).toBe(message)
})
