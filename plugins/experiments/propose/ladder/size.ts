/** How large a table is, and so what a model on it would cost. */
import type { TableSummary } from '../../data/preview.ts'
import type { Task } from '../../scoring/task.ts'
import type { ProposeContext } from '../proposer.ts'
import { catalogue } from './catalogue.ts'
import type { Family, Recipe } from './recipe.ts'

export interface Size {
  readonly rows: number
  readonly columns: number
  readonly numbers: number
  readonly categories: number
  readonly texts: number
  readonly dates: readonly string[]
  readonly hasMissing: boolean
  /** Share of the most frequent class is unknown here; many classes are few rows each. */
  readonly classes: number | null
  /** The target is a number that is never negative and spans orders of magnitude. */
  readonly isSkewed: boolean
}

export const sizeOf = ({ preview, task }: ProposeContext): Size => {
  const table = preview?.tables.find(({ path }) => path === task?.table) ?? preview?.tables[0]
  const columns = (table?.columns ?? []).filter(({ name }) => !isOutside(name, task))
  const of = (...kinds: string[]) => columns.filter(({ kind }) => kinds.includes(kind)).length
  const target = table?.columns.find(({ name }) => name === task?.target)
  return {
    rows: table?.rows ?? 1000,
    columns: Math.max(1, columns.length),
    numbers: of('number', 'integer', 'boolean'),
    categories: of('category'),
    texts: of('text'),
    dates: columns.filter(({ kind }) => kind === 'date').map(({ name }) => name),
    hasMissing: columns.some(({ missing }) => missing > 0),
    classes: task?.kind === 'binary' || task?.kind === 'multiclass' ? (target?.unique ?? 2) : null,
    isSkewed: isSkewed(target),
  }
}

const isOutside = (name: string, task: Task | null): boolean =>
  name === task?.target || name === task?.id || name === task?.group

const isSkewed = (target: TableSummary['columns'][number] | undefined): boolean => {
  const { min, max } = target ?? {}
  return min != null && max != null && min >= 0 && max > 100 && max / Math.max(1, min) > 50
}

/** Seconds of a program with so many folds, roughly: enough to leave out what would never end. */
export const costS = (recipe: Omit<Recipe, 'blend'>, size: Size, kFold: number): number => {
  const rows = Math.min(size.rows, recipe.maxRows ?? Number.POSITIVE_INFINITY)
  const { cost, isQuadratic } = catalogue[recipe.family]
  const width = size.columns * (recipe.interactions ? Math.max(1, size.numbers / 2) : 1)
  const cells = (rows * width) / 1_000_000
  const growth = isQuadratic ? Math.max(1, rows / 2_000) : 1
  const trees = Number(recipe.params['n_estimators'] ?? recipe.params['max_iter'] ?? 200) / 200
  const classes = recipe.family === 'boosting' ? Math.max(1, (size.classes ?? 1) / 2) : 1
  const model = cost * cells * growth * Math.max(0.25, trees) * classes
  // However few its rows are, each of its trees takes a moment.
  const steps = recipe.family === 'boosting' ? Number(recipe.params['max_iter'] ?? 100) : 0
  return (model + 0.001 * steps * classes) * recipe.bag * (kFold + 1) + 0.1
}

/** 200 trees of so many shares take about 1 GiB. */
const maxShares = 1_000_000

/** Whether it makes sense at all on a table of this size. */
export const suits = (family: Family, size: Size): boolean => {
  const classes = size.classes ?? 1
  if (family === 'svm') return size.rows <= 10_000 && classes <= 30
  // Every leaf of every tree holds a share for each class, every step of boosting a tree.
  if (family === 'boosting' || family === 'lightgbm') return classes <= 100
  if (family === 'forest' || family === 'extra_trees') {
    return classes <= 50 || classes * size.rows <= maxShares / 2
  }
  if (family === 'neighbours') return size.rows <= 50_000 && size.columns <= 500
  if (family === 'mlp') return size.rows >= 100
  return true
}
