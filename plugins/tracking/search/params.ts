/** Flattens a run's config into rows that a search can compare: `{a: {b: 1}}` is `a.b = 1`. */

/** One row of `tracking_param`, without its run. */
export interface Param {
  readonly key: string
  readonly text: string
  /** What `<` and `>` compare; null for text that is no number, and for booleans. */
  readonly number: number | null
  /** As it stands in the config. */
  readonly value: unknown
}

/** Limits of what is searchable. The config itself is kept whole whatever they cut. */
const maxParams = 10_000
const maxKeyLength = 250
const maxTextLength = 500
const maxDepth = 20

const numeral = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i

/** The parameters of a config, one per key. `null` counts as absent, lists as JSON text. */
export const flattenConfig = (config: unknown): Param[] => {
  const params = new Map<string, Param>()
  if (isObject(config)) collect(config, '', 0, params)
  return [...params.values()]
}

const collect = (
  object: Record<string, unknown>,
  prefix: string,
  depth: number,
  params: Map<string, Param>,
): void => {
  for (const [name, value] of Object.entries(object)) {
    if (params.size >= maxParams) return
    const key = prefix + withoutNul(name)
    if (isObject(value) && depth < maxDepth && Object.keys(value).length > 0) {
      collect(value, `${key}.`, depth + 1, params)
    } else if (value !== null && value !== undefined && key.length <= maxKeyLength) {
      params.set(key, toParam(key, value))
    }
  }
}

const toParam = (key: string, value: unknown): Param => {
  if (typeof value === 'number') return { key, text: String(value), number: value, value }
  const text = withoutNul(typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(
    0,
    maxTextLength,
  )
  // Programs that read their settings from a command line often log numbers as text.
  const number = typeof value === 'string' && numeral.test(text) ? Number(text) : null
  const finite = number !== null && Number.isFinite(number)
  return { key, text, number: finite ? number : null, value }
}

/** NUL is legal in JSON, and PostgreSQL refuses it in text. */
const withoutNul = (text: string): string => text.replaceAll('\0', '\uFFFD')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
