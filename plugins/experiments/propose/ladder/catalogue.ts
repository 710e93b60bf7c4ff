/** The models of the ladder: what they are called, what can be tuned, what they cost. */
import type { Family, Parameter, Recipe } from './recipe.ts'

export interface Choice {
  readonly name: string
  /** In order: tuning goes to a neighbour. */
  readonly values: readonly Parameter[]
  /** What a change is for, in words. */
  readonly why: string
}

export interface Model {
  readonly title: string
  readonly imports: { readonly regression: string; readonly classification: string }
  readonly name: { readonly regression: string; readonly classification: string }
  readonly defaults: Readonly<Record<string, Parameter>>
  readonly choices: readonly Choice[]
  /** Only for classes, or only for numbers. */
  readonly ofClasses?: Readonly<Record<string, Parameter>>
  readonly ofNumbers?: Readonly<Record<string, Parameter>>
  readonly hasSeed: boolean
  readonly hasBalance: boolean
  /** It measures distances, so features must be of one size. */
  readonly needsScale: boolean
  /** Numbers to predict are scaled too: it takes them to be near 1. */
  readonly scalesTarget?: boolean
  /** Seconds for a million cells (rows times columns) on one core, roughly. */
  readonly cost: number
  /** Grows with the square of the rows. */
  readonly isQuadratic?: boolean
}

const both = (module: string, stem: string) => ({
  imports: {
    regression: `from ${module} import ${stem}Regressor`,
    classification: `from ${module} import ${stem}Classifier`,
  },
  name: { regression: `${stem}Regressor`, classification: `${stem}Classifier` },
})

const trees: readonly Choice[] = [
  { name: 'n_estimators', values: [50, 100, 200, 400, 800], why: 'more trees vary less' },
  {
    name: 'max_depth',
    values: [4, 8, 16, null],
    why: 'the depth decides between bias and variance',
  },
  { name: 'min_samples_leaf', values: [1, 2, 4, 8, 16], why: 'larger leaves smooth out noise' },
  {
    name: 'max_features',
    values: [0.2, 0.35, 0.5, 0.75, 1],
    why: 'fewer features a split make trees differ',
  },
]

export const catalogue: Readonly<Record<Family, Model>> = {
  dummy: {
    title: 'the best constant',
    ...both('sklearn.dummy', 'Dummy'),
    defaults: {},
    ofClasses: { strategy: 'prior' },
    choices: [],
    hasSeed: false,
    hasBalance: false,
    needsScale: false,
    cost: 0.01,
  },
  linear: {
    title: 'a regularised linear model',
    imports: {
      regression: 'from sklearn.linear_model import Ridge',
      classification: 'from sklearn.linear_model import LogisticRegression',
    },
    name: { regression: 'Ridge', classification: 'LogisticRegression' },
    defaults: {},
    ofClasses: { C: 1, max_iter: 2000 },
    ofNumbers: { alpha: 1 },
    choices: [
      {
        name: 'C',
        values: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
        why: 'the strength of the penalty',
      },
      { name: 'alpha', values: [0.01, 0.1, 1, 3, 10, 30, 100], why: 'the strength of the penalty' },
    ],
    hasSeed: false,
    hasBalance: true,
    needsScale: true,
    cost: 1,
  },
  tree: {
    title: 'a single decision tree',
    ...both('sklearn.tree', 'DecisionTree'),
    defaults: { max_depth: 6, min_samples_leaf: 4 },
    choices: trees.slice(1, 3),
    hasSeed: true,
    hasBalance: true,
    needsScale: false,
    cost: 0.2,
  },
  forest: {
    title: 'a random forest',
    ...both('sklearn.ensemble', 'RandomForest'),
    defaults: { n_estimators: 200, min_samples_leaf: 1 },
    ofNumbers: { max_features: 0.5 },
    choices: trees,
    hasSeed: true,
    hasBalance: true,
    needsScale: false,
    cost: 10,
  },
  extra_trees: {
    title: 'extremely randomised trees',
    ...both('sklearn.ensemble', 'ExtraTrees'),
    defaults: { n_estimators: 200, min_samples_leaf: 1 },
    ofNumbers: { max_features: 0.5 },
    choices: trees,
    hasSeed: true,
    hasBalance: true,
    needsScale: false,
    cost: 6,
  },
  boosting: {
    title: 'gradient boosting on histograms',
    ...both('sklearn.ensemble', 'HistGradientBoosting'),
    defaults: { learning_rate: 0.1, max_iter: 150, max_leaf_nodes: 31 },
    choices: [
      {
        name: 'learning_rate',
        values: [0.02, 0.05, 0.1, 0.2],
        why: 'smaller steps generalise better',
      },
      { name: 'max_iter', values: [75, 150, 300, 600], why: 'the number of steps' },
      { name: 'max_leaf_nodes', values: [7, 15, 31, 63], why: 'the size of each tree' },
      { name: 'min_samples_leaf', values: [5, 10, 20, 40], why: 'larger leaves smooth out noise' },
      { name: 'l2_regularization', values: [0, 0.1, 1, 10], why: 'a penalty against overfitting' },
    ],
    hasSeed: true,
    hasBalance: true,
    needsScale: false,
    cost: 4,
  },
  svm: {
    title: 'a support vector machine',
    imports: {
      regression: 'from sklearn.svm import SVR',
      classification: 'from sklearn.svm import SVC',
    },
    name: { regression: 'SVR', classification: 'SVC' },
    defaults: { C: 10, gamma: 'scale' },
    ofClasses: { probability: 'True' },
    choices: [
      { name: 'C', values: [0.3, 1, 3, 10, 30, 100], why: 'the price of errors' },
      {
        name: 'gamma',
        values: [0.001, 0.003, 0.01, 0.03, 'scale', 0.1],
        why: 'the reach of an example',
      },
    ],
    hasSeed: false,
    hasBalance: true,
    needsScale: true,
    scalesTarget: true,
    cost: 8,
    isQuadratic: true,
  },
  neighbours: {
    title: 'nearest neighbours',
    ...both('sklearn.neighbors', 'KNeighbors'),
    defaults: { n_neighbors: 7, weights: 'distance' },
    choices: [
      { name: 'n_neighbors', values: [1, 3, 5, 7, 11, 21, 41], why: 'how many examples are asked' },
      { name: 'weights', values: ['uniform', 'distance'], why: 'near examples may count more' },
      { name: 'p', values: [1, 2], why: 'how distance is measured' },
    ],
    hasSeed: false,
    hasBalance: false,
    needsScale: true,
    cost: 3,
    isQuadratic: true,
  },
  mlp: {
    title: 'a small neural network',
    ...both('sklearn.neural_network', 'MLP'),
    defaults: { hidden_layer_sizes: '(100,)', alpha: 0.001, max_iter: 300 },
    choices: [
      {
        name: 'hidden_layer_sizes',
        values: ['(50,)', '(100,)', '(200,)', '(100, 50)'],
        why: 'its size',
      },
      {
        name: 'alpha',
        values: [0.0001, 0.001, 0.01, 0.1, 1],
        why: 'a penalty against overfitting',
      },
    ],
    hasSeed: true,
    hasBalance: false,
    needsScale: true,
    scalesTarget: true,
    cost: 20,
  },
  lightgbm: {
    title: 'LightGBM',
    ...both('lightgbm', 'LGBM'),
    defaults: { n_estimators: 200, learning_rate: 0.05, num_leaves: 31, verbosity: -1 },
    choices: [
      { name: 'n_estimators', values: [100, 200, 400, 800], why: 'the number of steps' },
      { name: 'learning_rate', values: [0.02, 0.05, 0.1], why: 'smaller steps generalise better' },
      { name: 'num_leaves', values: [7, 15, 31, 63], why: 'the size of each tree' },
      { name: 'min_child_samples', values: [5, 10, 20, 40], why: 'larger leaves smooth out noise' },
    ],
    hasSeed: true,
    hasBalance: true,
    needsScale: false,
    cost: 3,
  },
}

/** Parameters that a recipe begins with. */
export const defaultsOf = (family: Family, isClasses: boolean): Recipe['params'] => {
  const { defaults, ofClasses, ofNumbers } = catalogue[family]
  return { ...defaults, ...(isClasses ? ofClasses : ofNumbers) }
}

/** Names of SVC's and others' parameters that only classifiers, or only regressors, have. */
export const canTune = ({ name }: Choice, family: Family, isClasses: boolean): boolean =>
  family !== 'linear' || (name === 'C') === isClasses
