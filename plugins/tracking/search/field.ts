/** Names of what can be searched, and which values and operators each of them takes. */
import { parseTime } from '../time.ts'
import {
  type Attribute,
  attributes,
  type Comparison,
  type Field,
  type Literal,
  type MetricPart,
} from './syntax.ts'
import { type Segment, syntaxError } from './tokens.ts'

export const statuses = ['running', 'completed', 'failed', 'killed', 'crashed'] as const

const parts: readonly string[] = ['last', 'min', 'max'] satisfies readonly MetricPart[]

/** The field that a path such as `metrics."train loss".min` names. */
export const readField = (segments: readonly Segment[], at: number, source: string): Field => {
  const [first, ...rest] = segments as [Segment, ...Segment[]]
  const root = first.quoted ? '' : first.text.toLowerCase()
  if (root === 'metrics' || root === 'metric') return metric(rest, at, source)
  if (root === 'params' || root === 'param') {
    return { kind: 'param', key: keyOf(rest, 'params', at, source) }
  }
  if (rest.length === 0 && root === 'tags') return { kind: 'tags' }
  if (rest.length === 0 && isAttribute(root)) return { kind: 'attribute', name: root }
  const known = ['metrics.<name>', 'params.<key>', 'tags', ...Object.keys(attributes)].join(', ')
  const name = segments.map((segment) => segment.text).join('.')
  throw syntaxError(source, at, `has the unknown field "${name}" (known: ${known})`)
}

const metric = (rest: readonly Segment[], at: number, source: string): Field => {
  const last = rest.at(-1)
  if (last && rest.length > 1 && !last.quoted && parts.includes(last.text)) {
    const name = keyOf(rest.slice(0, -1), 'metrics', at, source)
    return { kind: 'metric', name, part: last.text as MetricPart }
  }
  return { kind: 'metric', name: keyOf(rest, 'metrics', at, source), part: 'last' }
}

const keyOf = (rest: readonly Segment[], root: string, at: number, source: string): string => {
  const key = rest.map((segment) => segment.text).join('.')
  if (key === '') throw syntaxError(source, at, `needs a name after "${root}."`)
  return key
}

const isAttribute = (name: string): name is Attribute => Object.hasOwn(attributes, name)

type ValueType = 'number' | 'text' | 'time' | 'any'

const typeOf = (field: Field): ValueType =>
  field.kind === 'metric'
    ? 'number'
    : field.kind === 'param'
      ? 'any'
      : field.kind === 'tags'
        ? 'text'
        : attributes[field.name]

/** Checks the value against the field; times become microseconds since the epoch. */
export const readValue = (
  field: Field,
  op: Comparison | 'in',
  value: Literal,
  at: number,
  source: string,
): Literal => {
  const type = typeOf(field)
  if (op === '~') {
    if (type !== 'text' && type !== 'any') throw syntaxError(source, at, `cannot use ~ on ${type}s`)
    if (typeof value !== 'string') throw syntaxError(source, at, 'needs text in quotes')
  }
  if (Number.isNaN(value) && ((op !== '=' && op !== '!=') || field.kind === 'attribute')) {
    throw syntaxError(
      source,
      at,
      'can compare nan only with = or != and only to metrics and params',
    )
  }
  if (type === 'any') {
    if (isOrdered(op) && typeof value !== 'number') throw syntaxError(source, at, 'needs a number')
    return value
  }
  if (type === 'time') return readTime(value, at, source)
  const wanted = type === 'text' ? 'string' : 'number'
  if (typeof value !== wanted) {
    throw syntaxError(source, at, `needs ${type === 'text' ? 'text in quotes' : 'a number'}`)
  }
  if (op !== '~' && isStatus(field) && !statuses.some((status) => status === value)) {
    throw syntaxError(source, at, `needs one of ${statuses.join(', ')}`)
  }
  return value
}

const isStatus = (field: Field): boolean => field.kind === 'attribute' && field.name === 'status'

const readTime = (value: Literal, at: number, source: string): number => {
  try {
    return parseTime(String(value))
  } catch {
    throw syntaxError(source, at, 'needs a time such as "2023-01-01T00:00:00"')
  }
}

/** Text and tags have no order that people would mean. */
export const readOperator = (field: Field, op: Comparison, at: number, source: string): void => {
  if (isOrdered(op) && typeOf(field) === 'text') {
    throw syntaxError(source, at, `cannot use ${op} on text`)
  }
}

const isOrdered = (op: Comparison | 'in'): boolean =>
  op === '<' || op === '<=' || op === '>' || op === '>='
