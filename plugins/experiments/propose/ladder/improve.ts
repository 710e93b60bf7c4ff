/** One change to a good program at a time: what was tried before is never tried again. */
import type { Random } from '../../search/policy.ts'
import { choice } from '../../search/random.ts'
import { canTune, catalogue } from './catalogue.ts'
import { type Draft, withinTime } from './draft.ts'
import { keyOf, type Parameter, type Recipe } from './recipe.ts'
import { costS, type Size } from './size.ts'

export interface ImproveOptions {
  readonly size: Size
  readonly isClasses: boolean
  readonly kFold: number
  readonly timeoutS: number
  readonly tried: ReadonlySet<string>
  readonly random: Random
}

/** null: everything that there is was tried. */
export const improve = (parent: Recipe, options: ImproveOptions): Draft | null => {
  const { tried, random, size, kFold, timeoutS } = options
  const open = changes(parent, options)
    .map((change) => ({ ...change, recipe: withinTime(change.recipe, size, kFold, timeoutS) }))
    .filter(({ recipe }) => !tried.has(keyOf(recipe)))
    .filter(({ recipe }) => costS(recipe, size, kFold) <= timeoutS / 2)
  if (open.length === 0) return null
  const weighed = open.flatMap((change) => Array.from({ length: change.weight }, () => change))
  return choice(weighed, random)
}

interface Change extends Draft {
  /** Likelier by so much. */
  readonly weight: number
}

const changes = (parent: Recipe, { size, isClasses }: ImproveOptions): Change[] => {
  const found: Change[] = []
  const add = (changed: Partial<Recipe>, plan: string, weight = 1) =>
    found.push({ recipe: { ...parent, ...changed }, plan, weight })
  const model = catalogue[parent.family]
  for (const tunable of model.choices.filter((one) => canTune(one, parent.family, isClasses))) {
    for (const value of neighbours(tunable.values, parent.params[tunable.name])) {
      const params = { ...parent.params, [tunable.name]: value }
      const plan = `Set ${tunable.name} of ${model.title} to ${shown(value)}: ${tunable.why}.`
      add({ params }, plan, 3)
    }
  }
  if (parent.bag < 8 && model.hasSeed) {
    add({ bag: parent.bag < 3 ? 3 : 8 }, 'Average models with other seeds: they vary less.', 2)
  }
  if (!parent.interactions && size.numbers >= 2 && size.numbers <= 30) {
    add({ interactions: true }, 'Add products of numbers: effects may depend on each other.', 1)
  }
  if (model.needsScale && parent.scale !== 'quantile' && size.numbers > 0) {
    add({ scale: 'quantile' }, 'Give numbers a normal distribution: outliers lose their weight.', 1)
  }
  if (size.categories > 0) {
    const encode = parent.encode === 'onehot' ? 'ordinal' : 'onehot'
    add(
      { encode },
      `Encode categories ${encode === 'onehot' ? 'one column each' : 'as numbers'}.`,
      1,
    )
  }
  if (!isClasses && size.isSkewed) {
    const logTarget = !parent.logTarget
    add(
      { logTarget },
      logTarget ? 'Predict the logarithm: the target is skewed.' : 'Predict the target as it is.',
      3,
    )
  }
  if (isClasses && model.hasBalance) {
    add(
      { balance: !parent.balance },
      parent.balance ? 'Weigh rows alike.' : 'Weigh rare classes more.',
      1,
    )
  }
  return found
}

/** The values next to one on its scale; all of them when it stands nowhere on it. */
const neighbours = (
  values: readonly Parameter[],
  now: Parameter | undefined,
): readonly Parameter[] => {
  const at = now === undefined ? -1 : values.indexOf(now)
  if (at < 0) return values.filter((value) => value !== now)
  return [values[at - 1], values[at + 1]].filter((value) => value !== undefined)
}

const shown = (value: Parameter): string => (value === null ? 'none' : String(value))
