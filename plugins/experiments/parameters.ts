/** Parameters of queries, read with care: what is wrong is said, never guessed at. */
import { invalid } from './errors.ts'
import { type Status, statuses } from './experiment.ts'

const whole = (text: string, name: string, min: number, max: number): number => {
  const value = Number(text)
  if (/^-?\d{1,9}$/.test(text.trim()) && value >= min && value <= max) return value
  throw invalid(`query.${name}`, `must be a whole number from ${min} to ${max}`)
}

const maxLimit = 100

export const pageOf = (query: Record<string, string | undefined>) => ({
  page: whole(query['page'] ?? '1', 'page', 1, 1_000_000),
  limit: whole(query['limit'] ?? '10', 'limit', 1, maxLimit),
})

/** Events after this number; 0: all of them. */
export const sinceOf = (query: Record<string, string | undefined>): number =>
  whole(query['since'] ?? '0', 'since', 0, 999_999_999)

export const statusOf = (text: string | undefined): Status | undefined => {
  if (text === undefined || text === '') return undefined
  const status = statuses.find((known) => known === text)
  if (status) return status
  throw invalid('query.status', `must be one of ${statuses.join(', ')}`)
}

export const documentedPage = [
  {
    name: 'page',
    in: 'query' as const,
    required: false,
    schema: { type: 'integer' as const, default: 1 },
  },
  {
    name: 'limit',
    in: 'query' as const,
    required: false,
    description: `At most ${maxLimit}`,
    schema: { type: 'integer' as const, default: 10 },
  },
]

export const documentedStatus = {
  name: 'status',
  in: 'query' as const,
  required: false,
  schema: { type: 'string' as const, enum: [...statuses] },
}
