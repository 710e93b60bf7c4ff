/** Infers what a JSON document looks like: its fields and their kinds, not its values. */

const maxKeys = 30
const maxItems = 200
const maxDepth = 6

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** `{id: number, tags: [string], note?: string | null}` */
export const jsonShape = (value: unknown): string => show(shapeOf([value as Json], 0))

interface Shape {
  /** Of plain values. */
  readonly kinds: ReadonlySet<string>
  /** null: no lists among the values. */
  readonly items: Shape | null
  readonly fields: readonly { name: string; shape: Shape; isOptional: boolean }[] | null
  readonly omitted: number
}

const kindOf = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value

const shapeOf = (values: readonly Json[], depth: number): Shape => {
  const kinds = new Set<string>()
  const lists: (readonly Json[])[] = []
  const objects: { readonly [key: string]: Json }[] = []
  for (const value of values) {
    const kind = kindOf(value)
    if (depth < maxDepth && Array.isArray(value)) lists.push(value)
    else if (depth < maxDepth && kind === 'object') objects.push(value as (typeof objects)[number])
    else kinds.add(kind)
  }
  const items = lists.flatMap((list) => list.slice(0, maxItems)).slice(0, maxItems)
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))]
  return {
    kinds,
    items: lists.length > 0 ? shapeOf(items, depth + 1) : null,
    fields:
      objects.length === 0
        ? null
        : names.slice(0, maxKeys).map((name) => {
            const there = objects.filter((object) => Object.hasOwn(object, name))
            return {
              name: name.slice(0, 60),
              shape: shapeOf(
                there.map((object) => object[name]!),
                depth + 1,
              ),
              isOptional: there.length < objects.length,
            }
          }),
    omitted: Math.max(0, names.length - maxKeys),
  }
}

const show = ({ kinds, items, fields, omitted }: Shape): string => {
  const parts = [...kinds].sort()
  if (items) parts.unshift(`[${show(items)}]`)
  if (fields) {
    const inner = fields.map((f) => `${f.name}${f.isOptional ? '?' : ''}: ${show(f.shape)}`)
    if (omitted > 0) inner.push(`... and ${omitted} other fields`)
    parts.unshift(`{${inner.join(', ')}}`)
  }
  return parts.join(' | ')
}
