/** Which types of body a route takes: one of another type would be misread, or not read at all. */
import { HearthError } from './errors.ts'

const json = 'application/json'

/** What a route declares, as far as it tells how its body is read. */
export interface BodyHooks {
  readonly body?: unknown
  readonly parse?: unknown
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Absent for a route that takes no body, text, or whatever its own parser makes of a request. */
export const bodyTypesOf = ({ body, parse, detail }: BodyHooks): readonly string[] | undefined => {
  const hasParser = Array.isArray(parse) ? parse.length > 0 : parse !== undefined
  if (body === undefined || hasParser) return undefined
  const declared = detail?.['x-content-types']
  if (Array.isArray(declared)) return declared as string[]
  if ((body as { type?: unknown }).type === 'string') return undefined
  return JSON.stringify(body).includes('"format":"binary"') ? ['multipart/form-data'] : [json]
}

/** @throws HearthError `unsupported_media_type`, unless there is no body at all */
export const checkBodyType = (request: Request, types: readonly string[] | undefined): void => {
  if (!types) return
  // Compared as it is written: the router's parsers know lower case only.
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim()
  if ((type !== undefined && types.includes(type)) || isEmpty(request)) return
  throw new HearthError('unsupported_media_type', advice(types, type))
}

/** Looks at the stream of a request only if it must: that has its price. */
const isEmpty = (request: Request): boolean => {
  const declared = request.headers.get('content-length')
  return declared === null ? request.body === null : Number(declared) === 0
}

const advice = (types: readonly string[], type: string | undefined): string => {
  const wanted = types.map((name) => `content-type: ${name}`).join(' or ')
  const given = type ? `was sent as ${type}` : 'was sent without a type'
  return `The body ${given}: send it with the header ${wanted}`
}
