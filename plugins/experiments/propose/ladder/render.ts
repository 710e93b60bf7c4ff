/** Writes a recipe down as a program that a person would be glad to read. */
import type { Task } from '../../scoring/task.ts'
import { catalogue } from './catalogue.ts'
import { type Parameter, type Recipe, recipeLine } from './recipe.ts'
import { scoring, writeClasses, writeNumbers } from './render-ending.ts'

export interface RenderOptions {
  readonly task: Task
  readonly kFold: number
  readonly dates: readonly string[]
}

type Part = Omit<Recipe, 'blend'>

export const render = (plan: string, recipe: Recipe, options: RenderOptions): string => {
  const isClasses = options.task.kind === 'binary' || options.task.kind === 'multiclass'
  const parts: readonly Part[] = [recipe, ...(recipe.blend ? [recipe.blend] : [])]
  return [
    `"""${plan.replaceAll('\\', '').replaceAll('"""', "'''")}"""`,
    recipeLine(recipe),
    importsOf(parts, isClasses),
    constants(options, isClasses),
    reading,
    features(parts, options),
    ...parts.map((part, i) => modelFunction(part, i, isClasses, recipe.maxRows)),
    isClasses ? classifier(parts) : regressor(parts),
    scoring(options.task, isClasses),
    isClasses ? writeClasses(options.task) : writeNumbers,
  ].join('\n\n\n')
}

const importsOf = (parts: readonly Part[], isClasses: boolean): string => {
  const kind = isClasses ? 'classification' : 'regression'
  const lines = new Set([
    'import os',
    '',
    'import numpy as np',
    'import pandas as pd',
    'from sklearn import metrics',
    'from sklearn.compose import ColumnTransformer',
    'from sklearn.feature_extraction.text import TfidfVectorizer',
    'from sklearn.impute import SimpleImputer',
    `from sklearn.model_selection import GroupKFold, ${isClasses ? 'StratifiedKFold' : 'KFold'}`,
    'from sklearn.pipeline import make_pipeline',
    `from sklearn.preprocessing import ${preprocessors(parts)}`,
    ...parts.map(({ family }) => catalogue[family].imports[kind]),
  ])
  return [...lines].join('\n')
}

const preprocessors = (parts: readonly Part[]): string => {
  const names = new Set<string>()
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

const reading = `def read(path):
    """A table, whatever its delimiter; classes stay the texts that they are."""
    with open(path, encoding="utf-8-sig") as file:
        header = file.readline()
    delimiter = max(",;\\t|", key=header.count)
    return pd.read_csv(path, sep=delimiter, dtype={TARGET: str}, low_memory=False)


train = read(TABLE)
test = pd.read_csv("input/test.csv", low_memory=False)
sample = pd.read_csv("input/sample_submission.csv", dtype=str)
train = train[train[TARGET].notna()].reset_index(drop=True)
columns = [c for c in train.columns if c in test.columns and c not in NOT_FEATURES]`

const features = (parts: readonly Part[], { dates }: RenderOptions): string =>
  `def prepare(frame):
    frame = frame[columns].copy()
${dates.length > 0 ? dateParts : ''}    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            column = frame[name].astype(object)
            frame[name] = column.where(column.notna(), "missing").astype(str)
        else:
            frame[name] = frame[name].astype(float)
    return frame


X, X_test = prepare(train), prepare(test)
numeric = [c for c in X.columns if pd.api.types.is_numeric_dtype(X[c])]
numbers = [c for c in numeric if X[c].notna().any()]
words = [c for c in X.columns if c not in numeric]
texts = [c for c in words if X[c].str.len().mean() > 25 and X[c].nunique() > 0.3 * len(X)]
categories = [c for c in words if c not in texts and X[c].nunique() < max(50, 0.5 * len(X))]
for c in numbers:  # the same kind of column in both tables
    X_test[c] = pd.to_numeric(X_test[c], errors="coerce")
for c in words:
    X_test[c] = X_test[c].astype(str)
groups = train[GROUP] if GROUP else None

${parts.map((part, i) => transformer(part, i)).join('\n\n\n')}`

const dateParts = `    for name in DATES:
        if name in frame:
            moment = pd.to_datetime(frame[name], errors="coerce", utc=True)
            frame[name + "_year"] = moment.dt.year
            frame[name + "_month"] = moment.dt.month
            frame[name + "_day"] = moment.dt.day
            frame[name + "_weekday"] = moment.dt.dayofweek
            frame = frame.drop(columns=name)
`

const suffix = (index: number): string => (index === 0 ? '' : `_${index + 1}`)

const quantiles =
  'QuantileTransformer(output_distribution="normal", n_quantiles=min(200, len(X)), random_state=0)'

const transformer = ({ scale, encode, interactions, family }: Part, index: number): string => {
  const steps = [
    'SimpleImputer(strategy="median")',
    ...(interactions
      ? ['PolynomialFeatures(degree=2, interaction_only=True, include_bias=False)']
      : []),
    ...(scale === 'standard' ? ['StandardScaler()'] : []),
    ...(scale === 'quantile' ? [quantiles] : []),
  ]
  const keepsMissing = (family === 'boosting' || family === 'lightgbm') && steps.length === 1
  const numeric = keepsMissing ? '"passthrough"' : `make_pipeline(${steps.join(', ')})`
  const encoder =
    encode === 'onehot'
      ? 'OneHotEncoder(handle_unknown="ignore", max_categories=50, sparse_output=False)'
      : 'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)'
  return `def transformer${suffix(index)}():
    return ColumnTransformer(
        [
            ("numbers", ${numeric}, numbers),
            ("categories", ${encoder}, categories),
            *[("text " + c, TfidfVectorizer(max_features=500, sublinear_tf=True), c)
              for c in texts],
        ],
        sparse_threshold=0,
    )`
}

const literal = (value: Parameter): string => {
  if (value === null) return 'None'
  if (typeof value === 'number') return String(value)
  return /^(True|False|\(.*\))$/.test(value) ? value : JSON.stringify(value)
}

const modelFunction = (
  part: Part,
  index: number,
  isClasses: boolean,
  maxRows: number | null,
): string => {
  const { name, hasSeed, hasBalance } = catalogue[part.family]
  const given = Object.entries(part.params).map(([key, value]) => `${key}=${literal(value)}`)
  if (hasSeed) given.push('random_state=seed')
  if (part.balance && isClasses && hasBalance) given.push('class_weight="balanced"')
  const model = `${name[isClasses ? 'classification' : 'regression']}(${given.join(', ')})`
  const fewer =
    maxRows === null
      ? ''
      : `    chosen = np.random.RandomState(seed).permutation(len(rows))[:${maxRows}]
    rows, target = rows.iloc[chosen], target[chosen]
`
  const logs = part.logTarget && !isClasses
  return `def fit${suffix(index)}(rows, target, seed):
${fewer}    model = make_pipeline(transformer${suffix(index)}(), ${model})
    return model.fit(rows, ${logs ? 'np.log1p(target)' : 'target'})`
}

/** Several fits with other seeds, their predictions averaged. */
const meanOf = (one: string, bag: number): string =>
  `    each = [${one} for s in range(${bag})]
    found.append(np.mean(each, axis=0))`

const regressor = (parts: readonly Part[]): string => {
  const lines = parts.map(({ bag, logTarget }, i) => {
    const one = `fit${suffix(i)}(rows, target, SEED + s).predict(others)`
    return meanOf(logTarget ? `np.expm1(${one})` : one, bag)
  })
  return `y = train[TARGET].astype(float).to_numpy()


def predict(rows, target, others):
    found = []
${lines.join('\n')}
    return np.mean(found, axis=0)`
}

const classifier = (parts: readonly Part[]): string => {
  const lines = parts.map(({ bag }, i) =>
    meanOf(`shares(fit${suffix(i)}(rows, target, SEED + s), others)`, bag),
  )
  return `def order(labels):
    """By number where all of them are numbers, or else by text."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


classes = order(set(train[TARGET]))
y = train[TARGET].map({label: place for place, label in enumerate(classes)}).to_numpy()


def shares(model, rows):
    """Probabilities of all classes, also of those that a fold has not seen."""
    found = np.zeros((len(rows), len(classes)))
    found[:, model.classes_] = model.predict_proba(rows)
    return found


def predict(rows, target, others):
    found = []
${lines.join('\n')}
    return np.mean(found, axis=0)`
}
