/** What a union wanted: its own message names none of its members. */
import type { TSchema } from '@sinclair/typebox'
import type { ValueError } from '@sinclair/typebox/value'

/** undefined: the schema is no union. */
export const unionMessage = (error: Partial<ValueError>): string | undefined => {
  const members = error.schema?.['anyOf'] as TSchema[] | undefined
  if (!members) return undefined
  const words = members.map((member) => member['const'] as unknown)
  if (words.every((word) => word !== undefined)) return `Expected one of ${words.join(', ')}`
  const inner = (error.errors ?? []).map((found) => [...found][0]?.message)
  // The last one is the plainest: what is before it takes numbers written as text, say.
  return inner.findLast((message) => message !== undefined && message !== 'Expected null')
}
