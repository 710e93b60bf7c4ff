/** Writes a recipe down as a program that a person would be glad to read. */
import type { Task } from '../../scoring/task.ts'
import { catalogue } from './catalogue.ts'
import { type Recipe, recipeLine } from './recipe.ts'
import { scoring, writeClasses, writeNumbers } from './render-ending.ts'
import { classifier, modelFunction, regressor } from './render-model.ts'
import { features, type Part, reading } from './render-tables.ts'

export interface RenderOptions {
  readonly task: Task
  readonly kFold: number
  readonly dates: readonly string[]
}

export const render = (plan: string, recipe: Recipe, options: RenderOptions): string => {
  const isClasses = options.task.kind === 'binary' || options.task.kind === 'multiclass'
  const parts: readonly Part[] = [recipe, ...(recipe.blend ? [recipe.blend] : [])]
  return [
    `"""${plan.replaceAll('\\', '').replaceAll('"""', "'''")}"""`,
    recipeLine(recipe),
    importsOf(parts, isClasses),
    constants(options, isClasses),
    reading,
    features(parts, options.dates.length > 0),
    ...parts.map((part, i) => modelFunction(part, i, isClasses, recipe.maxRows)),
    isClasses ? classifier(parts) : regressor(parts),
    scoring(options.task, isClasses),
    isClasses ? writeClasses(options.task) : writeNumbers,
  ].join('\n\n\n')
}

const importsOf = (parts: readonly Part[], isClasses: boolean): string => {
  const kind = isClasses ? 'classification' : 'regression'
  const isScaled = !isClasses && parts.some(({ family }) => catalogue[family].scalesTarget)
  const lines = new Set([
    'import csv',
    'import os',
    '',
    'import numpy as np',
    'import pandas as pd',
    'from sklearn import metrics',
    'from sklearn.compose import ColumnTransformer',
    ...(isScaled ? ['from sklearn.compose import TransformedTargetRegressor'] : []),
    ...(isClasses ? ['from sklearn.dummy import DummyClassifier'] : []),
    'from sklearn.feature_extraction.text import TfidfVectorizer',
    'from sklearn.impute import SimpleImputer',
    `from sklearn.model_selection import GroupKFold, KFold${isClasses ? ', StratifiedKFold' : ''}`,
    'from sklearn.pipeline import make_pipeline',
    `from sklearn.preprocessing import ${preprocessors(parts, isScaled)}`,
    ...parts.map(({ family }) => catalogue[family].imports[kind]),
  ])
  return [...lines].join('\n')
}

const preprocessors = (parts: readonly Part[], isScaled: boolean): string => {
  const names = new Set<string>(isScaled ? ['StandardScaler'] : [])
  for (const { encode, scale, interactions } of parts) {
    names.add(encode === 'onehot' ? 'OneHotEncoder' : 'OrdinalEncoder')
    if (scale === 'standard') names.add('StandardScaler')
    if (scale === 'quantile') names.add('QuantileTransformer')
    if (interactions) names.add('PolynomialFeatures')
  }
  return [...names].sort().join(', ')
}

const text = (value: string | null): string => (value === null ? 'None' : JSON.stringify(value))

const constants = ({ task, kFold, dates }: RenderOptions, isClasses: boolean): string =>
  [
    'SEED = int(os.environ.get("HEARTH_SEED", "0"))',
    `TABLE = ${text(`input/${task.table}`)}`,
    `TARGET = ${text(task.target)}`,
    `NOT_FEATURES = {TARGET, ${text(task.id)}, ${text(task.group)}}`,
    `GROUP = ${text(task.group)}`,
    `DATES = [${dates.map(text).join(', ')}]`,
    `FOLDS = ${Math.max(2, kFold)}`,
    ...(isClasses ? [] : ['np.seterr(all="ignore")']),
  ].join('\n')
