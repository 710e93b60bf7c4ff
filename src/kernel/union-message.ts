/** What a union wanted: its own message names none of its members. */
import type { TSchema } from '@sinclair/typebox'
import type { ValueError } from '@sinclair/typebox/value'

/** undefined: the schema is no union. */
export const unionMessage = (error: Partial<ValueError>): string | undefined => {
  const members = error.schema?.['anyOf'] as TSchema[] | undefined
  if (!members) return undefined
  const words = members.map((member) => member['const'] as unknown)
  if (words.every((word) => word !== undefined)) return `Expected one of ${words.join(', ')}`
  const told = variantMessage(members, error)
  if (told !== undefined) return told
  const inner = (error.errors ?? []).map((found) => [...found][0]?.message)
  // The last one is the plainest: what is before it takes numbers written as text, say.
  return inner.findLast((message) => message !== undefined && message !== 'Expected null')
}

/** Of objects that a word of theirs tells apart: what is wrong with the one that is meant. */
const variantMessage = (
  members: readonly TSchema[],
  { value, errors }: Partial<ValueError>,
): string | undefined => {
  const key = Object.keys(members[0]?.['properties'] ?? {}).find((name) =>
    members.every((member) => member['properties']?.[name]?.const !== undefined),
  )
  if (key === undefined) return undefined
  const words = members.map((member) => member['properties'][key].const as unknown)
  const given = (value as Record<string, unknown> | null | undefined)?.[key]
  const meant = words.indexOf(given)
  if (meant < 0) return `${key}: Expected one of ${words.join(', ')}`
  const [first] = [...(errors?.[meant] ?? [])]
  if (!first) return undefined
  const path = first.path.slice(1).replaceAll('/', '.')
  return path === '' ? first.message : `${path}: ${first.message}`
}
