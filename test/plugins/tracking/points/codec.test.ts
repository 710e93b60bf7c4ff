/** Points come out of their binary form as they went in, in as few bytes as promised. */
import { describe, expect, test } from 'bun:test'
import {
  type Columns,
  decodePoints,
  encodePoints,
} from '../../../../plugins/tracking/points/payload.ts'
import { random } from './model.ts'

const MAX = Number.MAX_SAFE_INTEGER

const columns = (values: number[], steps?: number[], times?: number[]): Columns => ({
  count: values.length,
  keys: Float64Array.from(values, (_, i) => 7 + i),
  steps: Float64Array.from(steps ?? values.map((_, i) => i)),
  times: Float64Array.from(times ?? values.map((_, i) => 1.7e15 + i * 1000)),
  values: Float64Array.from(values),
})

/** As plain arrays: typed ones are compared by their bits, of which NaN has many. */
const plain = ({ count, keys, steps, times, values }: Columns) => ({
  count,
  keys: Array.from(keys),
  steps: Array.from(steps),
  times: Array.from(times),
  values: Array.from(values),
})

const roundTrip = (points: Columns) => plain(decodePoints(encodePoints(points)))

describe('what goes in comes out', () => {
  const cases: Record<string, Columns> = {
    nothing: columns([]),
    'one point': columns([0.1], [3], [5]),
    'values that are no numbers': columns([NaN, Infinity, -Infinity, 1, -0, 0, 5e-324]),
    'single precision': columns([Math.fround(0.1), Math.fround(-3.3), NaN, Infinity]),
    integers: columns([5, -5, 255, 256, 65_535, 65_536, 2 ** 31]),
    'a negative zero among integers': columns([1, 2, -0, 3]),
    'integers and then a fraction': columns([1, 2, 3, 0.5]),
    'the widest steps': columns([1, 2, 3, 4], [-MAX, MAX, 0, -MAX]),
    'growing to the limits': columns([1, 2, 3], [-MAX, 0, MAX], [MAX, 0, -MAX]),
    'near the limits': columns([1, 2, 3], [MAX - 2, MAX - 1, MAX], [-MAX, 1 - MAX, 2 - MAX]),
    'steps that run backwards': columns([1, 2, 3], [30, 20, 10]),
    'values beyond all integers': columns([1e300, -1e300, 2 ** 53, 2 ** 53 + 2]),
  }
  test.each(Object.entries(cases))('%s', (_, points) => {
    expect(roundTrip(points)).toEqual(plain(points))
  })

  test.each([1, 2, 3, 4, 5])('random columns, seed %d', (seed) => {
    const { next, below, pick } = random(seed)
    for (let round = 0; round < 200; round++) {
      const count = below(40)
      const scale = pick([1, 200, 60_000, 4e9, 2 ** 52])
      const stride = pick([0, 1, 7, 1e6, 2 ** 44])
      const integers = () =>
        Array.from({ length: count }, (_, i) => i * stride + Math.floor((next() - 0.5) * scale))
      const value = pick([() => next(), () => Math.fround(next()), () => below(1000)])
      const points = columns(Array.from({ length: count }, value), integers(), integers())
      expect(roundTrip(points)).toEqual(plain(points))
    }
  })
})

test('bytes that do not begin on a multiple of eight are read', () => {
  const points = columns([0.25, NaN, 3])
  const bytes = encodePoints(points)
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  expect(plain(decodePoints(shifted.subarray(3)))).toEqual(plain(points))
})

test('an unknown format is refused, not guessed', () => {
  const bytes = encodePoints(columns([1]))
  bytes[0] = 9
  expect(() => decodePoints(bytes)).toThrow('unknown format 9')
})

test('a chunk of a regular series takes its values and a header', () => {
  const { next } = random(1)
  const of = (value: () => number) => encodePoints(columns(Array.from({ length: 1024 }, value)))
  expect({
    doubles: of(next).length,
    singles: of(() => Math.fround(next())).length,
    bytes: of(() => Math.floor(next() * 256)).length,
  }).toEqual({ doubles: 64 + 8 * 1024, singles: 64 + 4 * 1024, bytes: 80 + 1024 })
})
