/** The models of a rendered program: how each is fitted, and what they predict together. */
import { catalogue } from './catalogue.ts'
import type { Parameter } from './recipe.ts'
import { type Part, suffix } from './render-tables.ts'

/** Words of Python that stand in a recipe; every other text is quoted. */
const words = new Set(['True', 'False'])

const literal = (value: Parameter): string => {
  if (value === null) return 'None'
  if (typeof value === 'number') return String(value)
  return words.has(value) || /^\([\d, ]+\)$/.test(value) ? value : JSON.stringify(value)
}

const argument = (name: string, value: Parameter): string => {
  if (name === 'n_neighbors') return `n_neighbors=min(${literal(value)}, len(rows))`
  // As a whole number it would mean one feature, not all of them.
  if (name === 'max_features' && value === 1) return 'max_features=1.0'
  return `${name}=${literal(value)}`
}

/** Rows are set aside where there are enough of them: of every class, so each must have some. */
const earlyStopping = ({ family }: Part, isClasses: boolean): string[] => {
  if (family === 'mlp') {
    return [`early_stopping=len(rows) > 2_000${isClasses ? ' and can_stop(target)' : ''}`]
  }
  if (family !== 'boosting' || !isClasses) return []
  return ['early_stopping=len(rows) > 10_000 and can_stop(target)']
}

export const modelFunction = (
  part: Part,
  index: number,
  isClasses: boolean,
  maxRows: number | null,
): string => {
  const { name, hasSeed, hasBalance, scalesTarget } = catalogue[part.family]
  const given = Object.entries(part.params).map(([key, value]) => argument(key, value))
  given.push(...earlyStopping(part, isClasses))
  if (hasSeed) given.push('random_state=seed')
  if (part.balance && isClasses && hasBalance) given.push('class_weight="balanced"')
  const model = `${name[isClasses ? 'classification' : 'regression']}(${given.join(', ')})`
  const fewer =
    maxRows === null
      ? ''
      : `    chosen = np.random.RandomState(seed).permutation(len(rows))[:${maxRows}]
    rows, target = rows.iloc[chosen], target[chosen]
`
  const oneClass = `    if len(set(target)) == 1:
        model = DummyClassifier()
`
  const scaledTarget = `    model = TransformedTargetRegressor(model, transformer=StandardScaler())
`
  const wrapped = isClasses ? oneClass : scalesTarget === true ? scaledTarget : ''
  return `def fit${suffix(index)}(rows, target, seed):
${fewer}    model = ${model}
${wrapped}    pipeline = make_pipeline(transformer${suffix(index)}(), model)
    return pipeline.fit(rows, ${part.logTarget && !isClasses ? 'np.log1p(target)' : 'target'})`
}

/** Several fits with other seeds, their predictions averaged. */
const meanOf = (one: string, bag: number): string =>
  `    each = [${one} for s in range(${bag})]
    found.append(np.mean(each, axis=0))`

export const regressor = (parts: readonly Part[]): string => {
  const lines = parts.map(({ bag, logTarget }, i) => {
    const one = `fit${suffix(i)}(rows, target, SEED + s).predict(others)`
    return meanOf(logTarget ? `np.expm1(${one})` : one, bag)
  })
  return `y = train[TARGET].astype(float).to_numpy()
span = y.max() - y.min()
lowest = 0 if y.min() >= 0 else y.min() - span


def predict(rows, target, others):
    found = []
${lines.join('\n')}
    # Far from all that was seen, a formula may say anything.
    return np.clip(np.mean(found, axis=0), lowest, y.max() + span)`
}

/** Labels are told apart as the server does: numbers by value, all else by its text. */
export const labelKeys = `def key(label):
    """The same for all spellings of a class: 1, 1.0 and 01."""
    try:
        return float(label) if "_" not in label else label.strip()
    except ValueError:
        return label.strip()


def order(keys):
    """By number where all of them are numbers, or else by text."""
    if all(isinstance(one, float) for one in keys):
        return sorted(keys)
    return sorted(keys, key=lambda one: one if isinstance(one, str) else f"{one:.15g}")`

export const classifier = (parts: readonly Part[]): string => {
  const lines = parts.map(({ bag }, i) =>
    meanOf(`shares(fit${suffix(i)}(rows, target, SEED + s), others)`, bag),
  )
  const isStopping = parts.some((part) => earlyStopping(part, true).length > 0)
  const canStop = `def can_stop(target):
    """Whether every class has rows enough for some to be set aside."""
    return bool(np.unique(target, return_counts=True)[1].min() >= 10)


`
  return `${labelKeys}


spelled = {key(label): label for label in reversed(train[TARGET].tolist())}
classes = [spelled[one] for one in order(spelled)]
places = {key(label): place for place, label in enumerate(classes)}
y = np.array([places[key(label)] for label in train[TARGET]])


${isStopping ? canStop : ''}def shares(model, rows):
    """Probabilities of all classes, also of those that a fold has not seen."""
    found = np.zeros((len(rows), len(classes)))
    found[:, model.classes_] = model.predict_proba(rows)
    return found


def predict(rows, target, others):
    found = []
${lines.join('\n')}
    return np.mean(found, axis=0)`
}
