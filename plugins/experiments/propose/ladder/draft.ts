/** The rungs of the ladder: which model is tried first, which after it. */
import { catalogue, defaultsOf } from './catalogue.ts'
import { type Family, plain, type Recipe } from './recipe.ts'
import { costS, type Size, suits } from './size.ts'

export interface Draft {
  readonly recipe: Recipe
  readonly plan: string
}

/** Simple ones first: what comes later has to be better than they are. */
export const drafts = (
  size: Size,
  isClasses: boolean,
  packages: Readonly<Record<string, string>>,
  kFold: number,
  timeoutS: number,
  totalSteps: number,
): readonly Draft[] =>
  // A constant takes a step: it says how much there is to be learned at all.
  [...(totalSteps >= 8 ? ['dummy' as const] : []), ...order(size)]
    .filter((family) => family !== 'lightgbm' || 'lightgbm' in packages)
    .filter((family) => suits(family, size))
    .map((family) => draft(family, size, isClasses, kFold, timeoutS))

const order = ({ rows, categories, hasMissing, numbers }: Size): readonly Family[] => {
  const isMostlyNumbers = numbers > 3 * categories && !hasMissing
  const isSmall = rows <= 5_000
  if (isMostlyNumbers && isSmall) {
    return [
      'linear',
      'svm',
      'extra_trees',
      'boosting',
      'forest',
      'lightgbm',
      'neighbours',
      'mlp',
      'tree',
    ]
  }
  return [
    'linear',
    'boosting',
    'extra_trees',
    'lightgbm',
    'forest',
    'svm',
    'mlp',
    'neighbours',
    'tree',
  ]
}

const draft = (
  family: Family,
  size: Size,
  isClasses: boolean,
  kFold: number,
  timeoutS: number,
): Draft => {
  const { title, needsScale } = catalogue[family]
  const recipe: Recipe = {
    ...plain,
    family,
    params: defaultsOf(family, isClasses),
    scale: needsScale ? 'standard' : 'none',
    encode: needsScale && size.categories > 0 ? 'onehot' : 'ordinal',
    logTarget: false,
  }
  const parts = [
    needsScale ? 'numbers are scaled' : '',
    size.categories > 0 ? 'categories are encoded' : '',
    size.texts > 0 ? 'texts become weighted words' : '',
    size.dates.length > 0 ? 'dates are taken apart' : '',
    size.hasMissing ? 'gaps are filled' : '',
  ].filter((part) => part !== '')
  const how = parts.length > 0 ? `; ${parts.join(', ')}` : ''
  const fitting = withinTime(recipe, size, kFold, timeoutS)
  const fewer =
    fitting.maxRows === null ? '' : ` It learns from ${fitting.maxRows} rows, to end in time.`
  return { recipe: fitting, plan: `Begin with ${title}${how}.${fewer}` }
}

/** Fewer rows where all of them would take too long. */
export const withinTime = (recipe: Recipe, size: Size, kFold: number, timeoutS: number): Recipe => {
  const most = timeoutS / 2
  let fitting = recipe
  for (let rows = size.rows; rows > 500 && costS(fitting, size, kFold) > most; rows /= 2) {
    fitting = { ...recipe, maxRows: Math.floor(rows / 2) }
  }
  return fitting
}
