/** Bodies of the gateway's requests: read within bounds, checked, told what is wrong with them. */
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { HearthError, type Issue, limitDepth, Type as t, unionMessage } from '../../../src/sdk.ts'
import { splits } from '../environment.ts'
import { knownOnly } from '../known-keys.ts'

export const wishBody = knownOnly({
  scenario_id: t.String({ minLength: 1, maxLength: 100 }),
  split: t.Union(
    (Object.keys(splits) as (keyof typeof splits)[]).map((name) => t.Literal(name)),
    { default: 'train' },
  ),
  episode: t.Integer({ minimum: 0, maximum: 2 ** 40 - 1, default: 0 }),
  /** A trained model, a scripted player, or one of the language models upstream. */
  model: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
  sample_seed: t.Optional(t.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
  rollout_id: t.Optional(t.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' })),
})

export const toolBody = t.Record(t.String({ maxLength: 200 }), t.Unknown())

const usualMaxBytes = 2 ** 20
const maxIssues = 10

/** What is asked of a model, anywhere below `/v1/`. @throws HearthError what is wrong with it */
export const chatIn = async <T extends { readonly n?: number | null }>(
  request: Request,
  schema: TSchema,
  maxBytes = usualMaxBytes,
): Promise<T> => {
  const asked = await bodyOf<T>(request, schema, maxBytes)
  if ((asked.n ?? 1) === 1) return asked
  const message = 'must be 1: exactly one choice is answered'
  throw new HearthError('bad_request', `n ${message}`, { issues: [{ path: 'body.n', message }] })
}

/** No body at all is an empty object. @throws HearthError what is wrong with it */
export const bodyOf = async <T>(
  request: Request,
  schema: TSchema,
  maxBytes = usualMaxBytes,
): Promise<T> => {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength > maxBytes) {
    throw new HearthError('too_large', `A body has at most ${maxBytes} bytes`)
  }
  const value = Value.Default(schema, parsed(new TextDecoder().decode(bytes)))
  if (Value.Check(schema, value)) return value as T
  const issues: Issue[] = []
  for (const error of Value.Errors(schema, value)) {
    const path = `body${error.path.replaceAll('/', '.')}`
    // What is missing is of the wrong type as well: the first word is enough.
    if (issues.some((issue) => issue.path === path)) continue
    issues.push({ path, message: unionMessage(error) ?? error.message })
    if (issues.length === maxIssues) break
  }
  const [first] = issues
  const message = first ? `${first.path}: ${first.message}` : undefined
  throw new HearthError('validation', message, { issues })
}

const parsed = (text: string): unknown => {
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new HearthError('malformed_json')
  }
  limitDepth(value)
  return value
}
