/** The built-in proposer: a ladder of programs for tables, climbed without any model. */
import { isGood, ranked } from '../../journal/good.ts'
import type { Node, Output } from '../../journal/node.ts'
import type { Action } from '../../search/policy.ts'
import type { Task } from '../../scoring/task.ts'
import { builtInAuthor, type Proposal, type ProposeContext, type Proposer } from '../proposer.ts'
import { catalogue, defaultsOf } from './catalogue.ts'
import { describingProgram } from './describe.ts'
import { type Draft, drafts, withinTime } from './draft.ts'
import { improve } from './improve.ts'
import { keyOf, plain, type Recipe, recipeOf } from './recipe.ts'
import { render } from './render.ts'
import { sizeOf, type Size, suits } from './size.ts'
import { plainProgram } from './without-sklearn.ts'

export const createLadder = (): Proposer => ({
  name: builtInAuthor,
  async propose(action, context) {
    const { task } = context
    if (!task) return written(describingProgram(context))
    if (!hasSklearn(context)) return written(plainProgram(task, context))
    return written(programFor(action, context, task))
  },
  async review(_node, { output }, { task }) {
    const found = metricIn(output)
    return {
      isBug: false,
      summary: found ? `Its own validation: ${found.name} ${found.value}.` : 'It printed no score.',
      metric: found?.value ?? null,
      lowerIsBetter: task ? !task.maximize : (found?.lowerIsBetter ?? null),
      calls: [],
    }
  },
})

const written = ({ plan, code }: { plan: string; code: string }): Proposal => ({
  plan,
  code,
  author: builtInAuthor,
  calls: [],
})

const hasSklearn = ({ packages }: ProposeContext): boolean =>
  Object.keys(packages).some((name) => name.toLowerCase() === 'scikit-learn') &&
  Object.keys(packages).some((name) => name.toLowerCase() === 'pandas')

const metricIn = ({ head, tail }: Output) => {
  const lines = [...`${head}\n${tail}`.matchAll(/^Validation ([\w@]+): (-?[\d.e+-]+)/gm)]
  const [, name = '', text = ''] = lines.at(-1) ?? []
  const value = Number(text)
  return text !== '' && Number.isFinite(value)
    ? { name, value, lowerIsBetter: /error|rmse|loss|mae|mse/.test(name) }
    : null
}

const programFor = (action: Action, context: ProposeContext, task: Task) => {
  const { kFold } = context
  const size = sizeOf(context)
  const { plan, recipe } = recipeFor(action, context, task, size)
  return { plan, code: render(plan, recipe, { task, kFold, dates: size.dates }) }
}

const isClassesOf = ({ kind }: Task): boolean => kind === 'binary' || kind === 'multiclass'

/**
 * Time that a program may take: twice an even share of what is left, where that is known, but a
 * third of it at least. Few programs that see all rows are worth more than many that see some.
 */
const timeFor = ({ timeoutS, secondsLeft, stepsLeft }: ProposeContext): number => {
  const most = Math.min(timeoutS, 120)
  return secondsLeft === null
    ? most
    : Math.min(most, secondsLeft * Math.max(2 / (stepsLeft + 1), 1 / 3))
}

const recipeFor = (action: Action, context: ProposeContext, task: Task, size: Size): Draft => {
  const isClasses = isClassesOf(task)
  const { journal, kFold, packages, random } = context
  const tried = new Set(
    journal.nodes.flatMap(({ code }) => {
      const recipe = recipeOf(code)
      return recipe ? [keyOf(recipe)] : []
    }),
  )
  const timeoutS = timeFor(context)
  const options = { size, isClasses, kFold, timeoutS, tried, random }
  const rung = () =>
    drafts(size, isClasses, packages, kFold, timeoutS, journal.totalSteps).find(
      ({ recipe }) => !tried.has(keyOf(recipe)),
    )
  const node = (id: string) => journal.nodes.find((one) => one.id === id)
  switch (action.kind) {
    case 'draft':
      return rung() ?? anyImprovement(ranked(journal), options) ?? again(size, isClasses)
    case 'debug':
      return safer(node(action.parent), size, isClasses, kFold, timeoutS)
    case 'fuse':
      return fused(action.parents.map(node), tried) ?? rung() ?? again(size, isClasses)
    case 'improve': {
      const parent = node(action.parent)
      const recipe = parent ? recipeOf(parent.code) : null
      const blended = journal.nodes.filter(isGood).length >= 3 && random() < 0.25
      const blend = blended ? fused([parent, partnerOf(parent, ranked(journal))], tried) : null
      return (
        blend ??
        (recipe ? improve(recipe, options) : null) ??
        rung() ??
        anyImprovement(ranked(journal), options) ??
        again(size, isClasses)
      )
    }
  }
}

type ImproveOptions = Parameters<typeof improve>[1]

const anyImprovement = (nodes: readonly Node[], options: ImproveOptions): Draft | null => {
  for (const { code } of nodes) {
    const recipe = recipeOf(code)
    const found = recipe && improve(recipe, options)
    if (found) return found
  }
  return null
}

/** The best program of another family: what differs makes a better mean. */
const partnerOf = (node: Node | undefined, best: readonly Node[]): Node | undefined => {
  const own = node && recipeOf(node.code)?.family
  return best.find(({ code }) => {
    const other = recipeOf(code)
    return other !== null && other.family !== own && other.blend === null
  })
}

const fused = (
  parents: readonly (Node | undefined)[],
  tried: ReadonlySet<string>,
): Draft | null => {
  const [first, second] = parents.map((parent) => (parent ? recipeOf(parent.code) : null))
  if (!first || !second || first.blend) return null
  const { blend: _, ...other } = second
  const recipe: Recipe = { ...first, blend: other }
  if (tried.has(keyOf(recipe))) return null
  const names = [first, second].map(({ family }) => catalogue[family].title)
  return { recipe, plan: `Average the predictions of ${names.join(' and ')}: their errors differ.` }
}

/** After a failure: what the failure was about is taken back. */
const safer = (
  node: Node | undefined,
  size: Size,
  isClasses: boolean,
  kFold: number,
  timeoutS: number,
): Draft => {
  const failed = node && recipeOf(node.code)
  const failure = node?.verdict?.failure
  if (failed && (failure === 'timeout' || failure === 'memory')) {
    const trees = Math.max(25, Math.floor(Number(failed.params['n_estimators'] ?? 100) / 4))
    const params =
      'n_estimators' in failed.params ? { ...failed.params, n_estimators: trees } : failed.params
    const maxRows = Math.max(500, Math.floor((failed.maxRows ?? size.rows) / 4))
    const recipe = { ...failed, params, maxRows, bag: 1, blend: null }
    const short = failure === 'timeout' ? 'time' : 'memory'
    return { recipe, plan: `It needed too much ${short}: learn from ${maxRows} rows.` }
  }
  const family = failed?.family ?? 'forest'
  const recipe = withinTime(
    { ...plain, family, params: defaultsOf(family, isClasses), encode: 'ordinal' },
    size,
    kFold,
    timeoutS,
  )
  const scaled: Recipe = { ...recipe, scale: catalogue[family].needsScale ? 'standard' : 'none' }
  return { recipe: scaled, plan: `Take back all but the essentials of ${catalogue[family].title}.` }
}

/** Everything was tried: the same again says how far chance goes. */
const again = (size: Size, isClasses: boolean): Draft => {
  const wanted = size.rows > 50_000 ? 'boosting' : 'extra_trees'
  const family = suits(wanted, size) ? wanted : 'tree'
  const recipe = { ...plain, family, params: defaultsOf(family, isClasses), bag: 3 } as const
  return {
    recipe,
    plan: `Nothing new is left to try: ${catalogue[family].title} with three seeds.`,
  }
}
