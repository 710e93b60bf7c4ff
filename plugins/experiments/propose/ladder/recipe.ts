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
    const recipe = JSON.parse(line.slice(mark.length)) as Recipe
    return families.includes(recipe.family) ? { ...plain, ...recipe } : null
  } catch {
    return null
  }
}

/** Two recipes of one key are one program. */
export const keyOf = (recipe: Recipe): string => {
  const sorted = Object.fromEntries(
    Object.entries(recipe.params).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const { blend, ...own } = recipe
  const other = blend && keyOf({ ...blend, blend: null })
  return JSON.stringify([Object.entries({ ...own, params: sorted }).sort(), other])
}
