/** The middle of a rendered program: reads the tables, and makes features of their columns. */
import type { Recipe } from './recipe.ts'

export type Part = Omit<Recipe, 'blend'>

/** Of the usual delimiters, that which parts the header best and finds `TARGET` in it. */
export const delimiterOf = `def delimiter_of(path):
    def header(delimiter):
        with open(path, encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, delimiter=delimiter), [])

    return max(",\\t;|", key=lambda one: (TARGET in header(one), len(header(one))))`

export const reading = `${delimiterOf}


def read(path, delimiter, as_text):
    kinds = {name: str for name in as_text}
    return pd.read_csv(path, sep=delimiter, dtype=kinds, low_memory=False)


def is_number(column):
    types = pd.api.types
    return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)


delimiter = delimiter_of(TABLE)
train = read(TABLE, delimiter, [TARGET])
words = {c for c in train.columns if c != TARGET and not is_number(train[c])}
if words:  # as they are written, in both tables alike
    train = read(TABLE, delimiter, [TARGET, *words])
test = read("input/test.csv", ",", words)
sample = pd.read_csv("input/sample_submission.csv", dtype=str, keep_default_na=False)
train = train[train[TARGET].notna()].reset_index(drop=True)
columns = [c for c in train.columns if c in test.columns and c not in NOT_FEATURES]`

const datesFirst = `def is_day_first(name):
    first = train[name].astype(str).str.extract(r"^(\\d+)[-/.]")[0].astype(float)
    return bool(first.between(13, 31).any())


day_first = {name for name in DATES if is_day_first(name)}


`

const dateParts = `        if name in DATES:
            when = {"format": "mixed", "dayfirst": name in day_first}
            moment = pd.to_datetime(column, errors="coerce", utc=True, **when)
            for part in ("year", "month", "day", "day_of_week", "hour"):
                found[f"{name} ({part})"] = getattr(moment.dt, part).astype(float)
            continue
`

export const features = (parts: readonly Part[], hasDates: boolean): string =>
  `${hasDates ? datesFirst : ''}def prepare(frame):
    found = {}
    for name in columns:
        column = frame[name]
${hasDates ? dateParts : ''}        if name in words:
            found[name] = column.astype(object).where(column.notna(), "missing").astype(str)
        else:
            number = pd.to_numeric(column, errors="coerce").astype(float)
            found[name] = number.replace([np.inf, -np.inf], np.nan).clip(-1e15, 1e15)
    return pd.DataFrame(found, index=frame.index)


X, X_test = prepare(train), prepare(test)
numbers = [c for c in X.columns if c not in words and X[c].notna().any()]
word_columns = [c for c in X.columns if c in words]


def is_text(column):
    is_long = column.str.len().mean() > 25 and column.nunique() > 0.3 * len(column)
    return is_long and column.str.contains(r"\\w\\w").mean() > 0.5


texts = [c for c in word_columns if is_text(X[c])]
few = max(50, 0.5 * len(X))
categories = [c for c in word_columns if c not in texts and X[c].nunique() < few]
if not (numbers or texts or categories):  # nothing to learn from but the target
    X["constant"] = X_test["constant"] = 1.0
    numbers = ["constant"]
groups = train[GROUP].astype(str) if GROUP else None

${parts.map((part, i) => transformer(part, i)).join('\n\n\n')}`

export const suffix = (index: number): string => (index === 0 ? '' : `_${index + 1}`)

const quantiles =
  'QuantileTransformer(output_distribution="normal", n_quantiles=min(200, len(X)), random_state=0)'

const transformer = ({ scale, encode, interactions, family }: Part, index: number): string => {
  const steps = [
    'SimpleImputer(strategy="median", keep_empty_features=True)',
    ...(interactions
      ? ['PolynomialFeatures(degree=2, interaction_only=True, include_bias=False)']
      : []),
    ...(scale === 'standard' ? ['StandardScaler()'] : []),
    ...(scale === 'quantile' ? [quantiles] : []),
  ]
  const keepsMissing = (family === 'boosting' || family === 'lightgbm') && steps.length === 1
  const numeric = keepsMissing
    ? '"passthrough"'
    : `make_pipeline(\n        ${steps.join(',\n        ')},\n    )`
  const encoder =
    encode === 'onehot'
      ? 'OneHotEncoder(handle_unknown="ignore", max_categories=50, sparse_output=False)'
      : 'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)'
  return `def transformer${suffix(index)}():
    numeric = ${numeric}
    encoder = ${encoder}
    steps = [("numbers", numeric, numbers), ("categories", encoder, categories)]
    for i, name in enumerate(texts):
        steps.append((f"text {i}", TfidfVectorizer(max_features=500, sublinear_tf=True), name))
    return ColumnTransformer(steps, sparse_threshold=0)`
}
