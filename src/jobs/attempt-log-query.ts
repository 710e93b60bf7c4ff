/** Reads numbers out of the queries and paths of the routes for bytes. */
import { HearthError } from '../kernel/errors.ts'

/** A whole number of a query; undefined when it is not there. @throws HearthError `validation` */
export const numberOf = (request: Request, name: string): number | undefined => {
  const text = new URL(request.url).searchParams.get(name)
  if (text === null) return undefined
  return wholeNumber(text, `query.${name}`)
}

/** @throws HearthError `validation` */
export const wholeNumber = (text: string, path: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const message = 'must be a whole number, not negative'
  throw new HearthError('validation', `${path}: ${message}`, { issues: [{ path, message }] })
}

export const queryParameter = (name: string, description: string) => ({
  name,
  in: 'query' as const,
  required: false,
  schema: { type: 'integer' as const, minimum: 0 },
  description,
})
