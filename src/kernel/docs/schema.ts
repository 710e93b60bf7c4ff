/** Says a JSON schema in the words of OpenAPI 3.0, which has neither `null` nor `const`. */

type Json = Record<string, unknown>

/** Marks a schema that lets unknown keys pass, because its route refuses them by itself. */
const refusing = 'x-refuses-unknown'

/** Keywords that mean nothing to a reader of the document. */
const dropped = new Set(['error', '$id', 'patternProperties', 'examples', 'const', refusing])

/** Rewrites everything below `node`, a schema or anything that holds schemas. */
export const toOpenApi = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(toOpenApi)
  if (typeof node !== 'object' || node === null) return node
  const schema = node as Json
  for (const word of ['anyOf', 'oneOf']) {
    if (Array.isArray(schema[word])) return union(schema, word)
  }
  const kept = Object.entries(mayBeLeftOut(schema)).filter(
    ([key]) => !dropped.has(key) || isName(schema, key),
  )
  return {
    ...Object.fromEntries(
      kept.map(([key, value]) => [key, key === 'example' ? value : toOpenApi(value)]),
    ),
    ...translations(schema),
  }
}

/**
 * A schema without its refusals of unknown keys. The router drops such keys before it checks, so
 * `false` is never true; and it writes `false` into schemas itself, once they are first used.
 */
export const asChecked = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(asChecked)
  if (typeof node !== 'object' || node === null) return node
  if (Object.getPrototypeOf(node) !== Object.prototype) return node
  // Symbols are kept: by them the library knows a schema.
  const copy = { ...node } as Json
  if (copy['additionalProperties'] === false) delete copy['additionalProperties']
  for (const key of Object.keys(copy)) copy[key] = asChecked(copy[key])
  return copy
}

/** What has a default need not be sent; validators see it only once the default is there. */
const mayBeLeftOut = (schema: Json): Json => {
  const { required, ...rest } = schema
  // A parameter, and an object.
  if (required === true && hasDefault(schema['schema'])) return rest
  const { properties } = schema
  if (!Array.isArray(required) || typeof properties !== 'object') return schema
  const named = (properties ?? {}) as Json
  const left = required.filter((name: string) => !hasDefault(named[name]))
  return left.length > 0 ? { ...rest, required: left } : rest
}

const hasDefault = (schema: unknown): boolean =>
  typeof schema === 'object' && schema !== null && 'default' in schema

/** A map of properties may have one that is named like a keyword. */
const isName = (schema: Json, key: string): boolean =>
  typeof schema['type'] !== 'string' && typeof schema[key] === 'object' && key !== 'examples'

const translations = (schema: Json): Json => {
  const { examples, patternProperties, type } = schema
  const translated: Json = {}
  if ('const' in schema && typeof schema['const'] !== 'object')
    translated['enum'] = [schema['const']]
  if (Array.isArray(examples) && examples.length > 0) translated['example'] = examples[0]
  if (type === 'object' && typeof patternProperties === 'object' && patternProperties !== null) {
    translated['additionalProperties'] = toOpenApi(Object.values(patternProperties)[0])
  }
  if (schema[refusing] === true) translated['additionalProperties'] = false
  return { ...translated, ...bound(schema, 'minimum'), ...bound(schema, 'maximum') }
}

/** A bound that is itself left out is a number of its own elsewhere, and a mark on it in 3.0. */
const bound = (schema: Json, word: 'minimum' | 'maximum'): Json => {
  const exclusive = word === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'
  const value = schema[exclusive]
  return typeof value === 'number' ? { [word]: value, [exclusive]: true } : {}
}

/** `T or null` is a nullable T, words are one enumeration, a number or its text is a number. */
const union = (schema: Json, word: string): Json => {
  const { [word]: all, ...rest } = schema
  const members = all as readonly Json[]
  const outer = toOpenApi(rest) as Json
  const nullable = members.some(({ type }) => type === 'null') ? { nullable: true } : {}
  const values = members.filter(({ type }) => type !== 'null')
  const real = values.filter((member) => !isTextOf(member, values))
  if (real.length > 0 && real.every((member) => typeof member['const'] === 'string')) {
    return { ...outer, ...nullable, type: 'string', enum: real.map((member) => member['const']) }
  }
  const [only] = real
  if (real.length === 1 && only) return { ...(toOpenApi(only) as Json), ...outer, ...nullable }
  return { ...outer, ...nullable, [word]: real.map(toOpenApi) }
}

/** Queries are text; the router takes a number or a truth there in words, as one more member. */
const isTextOf = ({ type, format }: Json, members: readonly Json[]): boolean => {
  const meant = type === 'string' ? spelled[String(format)] : undefined
  return members.some((member) => meant?.includes(String(member['type'])))
}

const spelled: Readonly<Record<string, readonly string[]>> = {
  integer: ['integer', 'number'],
  numeric: ['integer', 'number'],
  boolean: ['boolean'],
}
