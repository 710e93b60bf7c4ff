/** Reads ids and query parameters by hand: exact messages, no coercion surprises, no cost. */
import { HearthError } from '../../src/sdk.ts'

/** One part of the request that does not fit. */
export const invalid = (path: string, message: string): HearthError =>
  new HearthError('validation', `${path}: ${message}`, { issues: [{ path, message }] })

const digits = /^\d{1,16}$/

/** @throws HearthError `validation` */
export const idOf = (text: string | undefined, name: string): number => {
  const id = text !== undefined && digits.test(text) ? Number(text) : 0
  if (id < 1 || !Number.isSafeInteger(id))
    throw invalid(`path.${name}`, 'must be a positive integer')
  return id
}

/**
 * The query of a request, repeated keys included.
 * @throws HearthError `validation` when it holds NUL, which PostgreSQL takes in no text
 */
export const queryOf = (request: Request): URLSearchParams => {
  const start = request.url.indexOf('?')
  const text = start < 0 ? '' : request.url.slice(start)
  if (text.includes('%00')) throw invalid('query', 'must not hold NUL')
  return new URLSearchParams(text)
}

export interface IntegerBounds {
  readonly min: number
  readonly max?: number
}

/** An integer of the query, undefined when absent. @throws HearthError `validation` */
export const integerOf = (
  query: URLSearchParams,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER }: IntegerBounds,
): number | undefined => {
  const text = query.get(name)
  if (text === null) return undefined
  const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
  throw invalid(`query.${name}`, `must be an integer ${range}`)
}

/** A yes or no of the query. @throws HearthError `validation` */
export const flagOf = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name)
  if (text === null || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1') return true
  throw invalid(`query.${name}`, 'must be true or false')
}

export interface Page {
  readonly skip: number
  readonly limit: number
}

/** `skip` and `limit`. @throws HearthError `validation` */
export const pageOf = (query: URLSearchParams, defaultLimit: number, maxLimit: number): Page => ({
  skip: integerOf(query, 'skip', { min: 0 }) ?? 0,
  limit: integerOf(query, 'limit', { min: 1, max: maxLimit }) ?? defaultLimit,
})

/** Names as `?names=a,b`, or one in each of several keys; undefined when there is none. */
export const namesOf = (query: URLSearchParams): string[] | undefined => {
  const given = query.getAll('names')
  const names = given.length === 1 ? given[0]!.split(',') : given
  const named = names.filter((name) => name !== '')
  return named.length > 0 ? named : undefined
}

const parameter =
  (place: 'path' | 'query', required: boolean) =>
  (name: string, schema: object, description: string) => ({
    name,
    in: place,
    required,
    schema,
    description,
  })

const ofQuery = parameter('query', false)

/** Parameters as OpenAPI describes them. */
export const documented = {
  id: (name: string) => ({
    ...parameter('path', true)(
      name,
      { type: 'integer', minimum: 1 },
      `Id of the ${name.slice(0, -3)}`,
    ),
    example: 1,
  }),
  query: ofQuery,
  requiredQuery: parameter('query', true),
  page: (defaultLimit: number, max: number) => [
    ofQuery('skip', { type: 'integer', minimum: 0, default: 0 }, 'How many to leave out'),
    ofQuery(
      'limit',
      { type: 'integer', minimum: 1, maximum: max, default: defaultLimit },
      'At most so many',
    ),
  ],
  permanent: ofQuery(
    'permanent',
    { type: 'boolean', default: false },
    'Deletes for good instead of into the trash; works on what is in the trash, too',
  ),
  deleted: ofQuery(
    'deleted',
    { type: 'boolean', default: false },
    'Answers what is in the trash instead',
  ),
  names: ofQuery(
    'names',
    { type: 'array', items: { type: 'string' } },
    'Metric names, separated by commas; or one in each of several keys',
  ),
}
