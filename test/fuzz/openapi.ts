/** Reads the OpenAPI document as a list of operations, and makes requests that fit them. */

export interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly example?: unknown
  readonly examples?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly minItems?: number
  readonly $ref?: string
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly required?: boolean
  readonly schema?: Schema
}

export interface Operation {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** By media type. */
  readonly body: Readonly<Record<string, Schema | undefined>>
  readonly security: readonly unknown[] | undefined
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters?: readonly Parameter[]
            readonly requestBody?: {
              readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
            }
            readonly security?: readonly unknown[]
          }
        >
      >
    >
  >
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

export const readOperations = async (origin: string): Promise<Operation[]> => {
  const document = (await (await fetch(`${origin}/openapi.json`)).json()) as Document
  const named = document.components?.schemas ?? {}
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      security: operation.security,
      body: Object.fromEntries(
        Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) => [
          type,
          schema?.$ref ? named[schema.$ref.split('/').at(-1) ?? ''] : schema,
        ]),
      ),
    })),
  )
}

/** A value that fits: the document's own example where it gives one, the least otherwise. */
export const sample = (schema: Schema | undefined): unknown => {
  if (!schema) return {}
  const { example, examples, type } = schema
  if (example !== undefined) return example
  if (Array.isArray(examples) && examples.length > 0) return examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.default !== undefined) return schema.default
  const option = schema.anyOf?.[0] ?? schema.oneOf?.[0]
  if (option) return sample(option)
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => sample(part)))
  if (type === 'array') return schema.minItems ? [sample(schema.items)] : []
  if (type === 'string') return 'text'
  if (type === 'boolean') return false
  if (type === 'number' || type === 'integer') return schema.minimum ?? 1
  return Object.fromEntries(
    (schema.required ?? []).map((name) => [name, sample(schema.properties?.[name])]),
  )
}

/**
 * A request for `operation`: `known` gives values by parameter name, in paths and queries, so that
 * it aims at something that exists.
 */
export const requestFor = (
  operation: Operation,
  known: Readonly<Record<string, string>>,
): { path: string; init: RequestInit } => {
  const path = operation.path.replace(/\{([^}]+)\}|\*/g, (_, name: string | undefined) =>
    encodeURI(known[name ?? '*'] ?? '1'),
  )
  const query = new URLSearchParams()
  for (const { name, in: place, required, schema } of operation.parameters)
    if (place === 'query' && (required || known[name] !== undefined))
      query.set(name, known[name] ?? String(sample(schema)))
  const headers: Record<string, string> = {}
  for (const { name, in: place, required, schema } of operation.parameters)
    if (place === 'header' && (required || known[name] !== undefined))
      headers[name] = known[name] ?? String(sample(schema))
  const media = Object.keys(operation.body)[0]
  const body = media === undefined ? undefined : encode(media, operation.body[media])
  return {
    path: query.size > 0 ? `${path}?${query}` : path,
    init: {
      method: operation.method,
      headers: { ...headers, ...(media !== undefined && { 'content-type': media }) },
      ...(body !== undefined && { body }),
    },
  }
}

const encode = (media: string, schema: Schema | undefined): string => {
  const value = sample(schema)
  if (media.includes('json')) return JSON.stringify(value)
  if (media === 'application/x-www-form-urlencoded')
    return new URLSearchParams(value as Record<string, string>).toString()
  return typeof value === 'string' ? value : 'some bytes'
}
