/** One operation of the OpenAPI document: what a route declares, and what the kernel adds to it. */
import { detailDialect } from '../dialect.ts'
import { type ErrorCode, errorTable } from '../errors.ts'
import type { Plugin } from '../plugin.ts'
import { toOpenApi } from './schema.ts'

export type Json = Record<string, unknown>

interface Content {
  readonly content?: Record<string, Json>
}

export type Operation = Json & {
  parameters?: Json[]
  requestBody?: Json & Content
  responses?: Record<string, Json & Content>
  tags?: string[]
}

export interface OperationContext {
  readonly plugin: Plugin
  readonly needsToken: boolean
  /** As the plugin declared it. */
  readonly path: string
  /** The types of body the kernel lets through; absent: the route decides. */
  readonly bodyTypes: readonly string[] | undefined
}

/** Errors any operation may answer, beside its own. */
const everywhere: readonly ErrorCode[] = ['rate_limited', 'internal']

export const completeOperation = (operation: Operation, context: OperationContext): Operation => {
  const { plugin, needsToken } = context
  const { requestBody, responses = {}, parameters } = operation
  const errors = errorsOf(operation, context).map((code) => [
    String(errorTable[code][0]),
    errorResponse(code, plugin),
  ])
  const answers = Object.entries(responses).map(([status, response]) => [
    status,
    { description: status.startsWith('2') ? 'Done' : 'Refused', ...answered(response) },
  ])
  return {
    ...operation,
    tags: operation.tags?.length ? operation.tags : [plugin.id],
    security: needsToken ? [{ bearer: [] }] : [],
    ...(parameters && { parameters: toOpenApi(parameters) as Json[] }),
    ...(requestBody && { requestBody: asked(requestBody, operation, context) }),
    responses: {
      ...Object.fromEntries(errors),
      ...(answers.length > 0 ? Object.fromEntries(answers) : { '200': { description: 'Done' } }),
    },
  }
}

const errorsOf = (operation: Operation, { plugin, needsToken, path }: OperationContext) => {
  const codes: ErrorCode[] = [...everywhere]
  const validates = operation.parameters !== undefined || operation.requestBody !== undefined
  const isBadRequest = plugin.dialect?.validationStatus === 400
  if (validates) codes.push(isBadRequest ? 'bad_request' : 'validation')
  if (operation.requestBody) codes.push('too_large', 'unsupported_media_type')
  if (needsToken) codes.push('unauthorized', 'forbidden')
  const namesThing = path.includes(':')
  // Not only the thing in the path may be missing: a query or a body names others.
  if (validates || namesThing) codes.push('not_found')
  // Whatever is named may be in a state in which it cannot be done.
  if (operation.requestBody || namesThing) codes.push('conflict')
  return codes
}

/** Unless a route says more, the library shows every type it could parse; ours take JSON. */
const isUndecided = (content: Record<string, Json>): boolean =>
  ['application/json', 'multipart/form-data', 'text/plain'].every((type) => type in content)

const asked = (
  body: Json & Content,
  operation: Operation,
  { bodyTypes = ['application/json'] }: OperationContext,
): Json => {
  const { content = {} } = body
  if (!isUndecided(content)) return toOpenApi(body) as Json
  const types = (operation['x-content-types'] as string[] | undefined) ?? bodyTypes
  const schema = toOpenApi(content['application/json'])
  return { ...body, content: Object.fromEntries(types.map((type) => [type, schema])) }
}

/** Beside the content. */
const inResponse = new Set(['description', 'headers', 'links'])

const answered = (response: Json & Content): Json => {
  const { examples, content = {} } = response
  // The library leaves some words of the schema beside the content; they mean nothing there.
  const rest = Object.fromEntries(
    Object.entries(response).filter(([key]) => inResponse.has(key) || key.startsWith('x-')),
  )
  if (!isUndecided(content))
    return toOpenApi({ ...rest, ...(response.content && { content }) }) as Json
  const [example] = Array.isArray(examples) ? examples : []
  const json = toOpenApi(content['application/json']) as Json
  return {
    ...rest,
    content: { 'application/json': { ...json, ...(example !== undefined && { example }) } },
  }
}

const errorResponse = (code: ErrorCode, plugin: Plugin): Json => {
  const [status, message] = errorTable[code]
  const dialect = plugin.dialect ?? detailDialect
  const example = dialect.error({ status, code, message, issues: [], requestId: 'k3x9a1-7' })
  return {
    description: message,
    content: { 'application/json': { schema: { type: 'object' }, example } },
  }
}
