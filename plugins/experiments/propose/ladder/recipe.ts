/** A recipe: everything that tells one program of the ladder from another, and nothing else. */

export const families = [
  'dummy',
  'linear',
  'tree',
  'forest',
  'extra_trees',
  'boosting',
  'svm',
  'neighbours',
  'mlp',
  'lightgbm',
] as const
export type Family = (typeof families)[number]

export type Parameter = number | string | null

export interface Recipe {
  readonly family: Family
  /** Of the model, by scikit-learn's names. */
  readonly params: Readonly<Record<string, Parameter>>
  readonly scale: 'none' | 'standard' | 'quantile'
  readonly encode: 'onehot' | 'ordinal'
  /** Products of the strongest numbers. */
  readonly interactions: boolean
  /** Of a target that is never negative. */
  readonly logTarget: boolean
  readonly balance: boolean
  /** Models with other seeds whose predictions are averaged. */
  readonly bag: number
  /** Rows to learn from at most; null: all. */
  readonly maxRows: number | null
  /** A second recipe whose predictions are averaged with this one's. */
  readonly blend: Omit<Recipe, 'blend'> | null
}

export const plain: Omit<Recipe, 'family' | 'params'> = {
  scale: 'none',
  encode: 'ordinal',
  interactions: false,
  logTarget: false,
  balance: false,
  bag: 1,
  maxRows: null,
  blend: null,
}

const mark = '# recipe: '

/** One line of a program, by which a child can be made of it. */
export const recipeLine = (recipe: Recipe): string => mark + JSON.stringify(recipe)

/** null: it was not written here. */
export const recipeOf = (code: string): Recipe | null => {
  const line = code.split('\n').find((one) => one.startsWith(mark))
  if (line === undefined) return null
  try {
    const found: unknown = JSON.parse(line.slice(mark.length))
    if (!isPart(found)) return null
    const { blend } = found as { blend?: unknown }
    if (blend != null && !isPart(blend)) return null
    return { ...plain, ...found, blend: (blend ?? null) as Recipe['blend'] }
  } catch {
    return null
  }
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const countOf = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0

const fields: Readonly<Record<keyof Omit<Recipe, 'blend'>, (value: unknown) => boolean>> = {
  family: (value) => families.some((family) => family === value),
  params: (value) => isObject(value) && Object.entries(value).every(isParameter),
  scale: (value) => ['none', 'standard', 'quantile'].includes(value as string),
  encode: (value) => ['onehot', 'ordinal'].includes(value as string),
  interactions: (value) => typeof value === 'boolean',
  logTarget: (value) => typeof value === 'boolean',
  balance: (value) => typeof value === 'boolean',
  bag: countOf,
  maxRows: (value) => value === null || countOf(value),
}

/** Users may write or import programs with a line like it: nothing else of theirs is taken over. */
const isParameter = ([name, value]: [string, unknown]): boolean =>
  /^[a-zA-Z_]\w{0,40}$/.test(name) &&
  (value === null ||
    (typeof value === 'number' && Number.isFinite(value)) ||
    (typeof value === 'string' && value.length <= 40))

const isPart = (value: unknown): value is Omit<Recipe, 'blend'> =>
  isObject(value) &&
  'params' in value &&
  Object.keys(value).every((name) => name === 'blend' || name in fields) &&
  Object.entries({ ...plain, ...value }).every(
    ([name, own]) => name === 'blend' || fields[name as keyof typeof fields](own),
  )

/** Two recipes of one key are one program. */
export const keyOf = (recipe: Recipe): string => {
  const sorted = Object.fromEntries(
    Object.entries(recipe.params).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const { blend, ...own } = recipe
  const other = blend && keyOf({ ...blend, blend: null })
  return JSON.stringify([Object.entries({ ...own, params: sorted }).sort(), other])
}
