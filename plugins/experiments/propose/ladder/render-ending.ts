/** The end of a rendered program: its own validation, then the predictions that are asked for. */
import { metricOf } from '../../scoring/metrics.ts'
import type { Task } from '../../scoring/task.ts'

const shownMetrics: Readonly<Record<string, string>> = {
  rmse: 'metrics.mean_squared_error(true, found) ** 0.5',
  mse: 'metrics.mean_squared_error(true, found)',
  mae: 'metrics.mean_absolute_error(true, found)',
  mape: 'metrics.mean_absolute_percentage_error(true, found)',
  rmsle: 'metrics.mean_squared_log_error(np.maximum(true, 0), np.maximum(found, 0)) ** 0.5',
  r2: 'metrics.r2_score(true, found)',
  median_absolute_error: 'metrics.median_absolute_error(true, found)',
  max_error: 'metrics.max_error(true, found)',
  explained_variance: 'metrics.explained_variance_score(true, found)',
  accuracy: 'metrics.accuracy_score(true, found.argmax(1))',
  f1_micro: 'metrics.accuracy_score(true, found.argmax(1))',
  balanced_accuracy: 'metrics.balanced_accuracy_score(true, found.argmax(1))',
  f1: 'metrics.f1_score(true, found.argmax(1))',
  f1_macro: 'metrics.f1_score(true, found.argmax(1), average="macro")',
  f1_weighted: 'metrics.f1_score(true, found.argmax(1), average="weighted")',
  precision: 'metrics.precision_score(true, found.argmax(1), zero_division=0)',
  recall: 'metrics.recall_score(true, found.argmax(1))',
  mcc: 'metrics.matthews_corrcoef(true, found.argmax(1))',
  cohen_kappa: 'metrics.cohen_kappa_score(true, found.argmax(1))',
  quadratic_weighted_kappa: 'metrics.cohen_kappa_score(true, found.argmax(1), weights="quadratic")',
  log_loss: 'metrics.log_loss(true, found, labels=range(len(classes)))',
}

const aucs: Readonly<Record<string, { readonly two: string; readonly more: string }>> = {
  roc_auc: {
    two: 'metrics.roc_auc_score(true, found[:, 1])',
    more: 'metrics.roc_auc_score(true, found, multi_class="ovr", labels=range(len(classes)))',
  },
  average_precision: {
    two: 'metrics.average_precision_score(true, found[:, 1])',
    more: 'metrics.log_loss(true, found, labels=range(len(classes)))',
  },
}

/** Metrics that have no short form are stood in for, under the name of what is printed. */
const shownAs = ({ metric, kind }: Task, isClasses: boolean) => {
  const auc = aucs[metric]
  if (auc) {
    const isOther = kind !== 'binary' && metric === 'average_precision'
    return { name: isOther ? 'log_loss' : metric, code: kind === 'binary' ? auc.two : auc.more }
  }
  const own = shownMetrics[metric]
  if (own) return { name: metric, code: own }
  const name = isClasses ? 'accuracy' : 'rmse'
  return { name, code: shownMetrics[name] ?? '' }
}

/** As many folds as there are rows, groups, or rows of the rarest class for. */
const foldsOf = (isClasses: boolean): string => {
  const fromClasses = `    counts = np.bincount(y)
    if counts.max() > 1:
        return StratifiedKFold(min(FOLDS, max(2, counts.min())), shuffle=True, random_state=0)
`
  return `def folds():
    if groups is not None and groups.nunique() > 1:
        return GroupKFold(min(FOLDS, groups.nunique()))
${isClasses ? fromClasses : ''}    return KFold(min(FOLDS, len(y)), shuffle=True, random_state=0)`
}

export const scoring = (task: Task, isClasses: boolean): string => {
  const { name, code } = shownAs(task, isClasses)
  return `def score(true, found):
    return ${code}


${foldsOf(isClasses)}


scores = []
for learn, check in folds().split(X, y, groups):
    found = predict(X.iloc[learn], y[learn], X.iloc[check])
    try:
        scores.append(score(y[check], found))
    except (IndexError, ValueError):
        pass  # a fold without one of the classes
if np.isfinite(scores).any():
    mean, spread = np.nanmean(scores), np.nanstd(scores)
    print(f"Validation ${name}: {mean:.6f} (std {spread:.6f}, {len(scores)} folds)")`
}

export const writeNumbers = `found = predict(X, y, X_test)
sample[sample.columns[1]] = found
os.makedirs("working", exist_ok=True)
sample.to_csv("working/submission.csv", index=False)`

export const writeClasses = (task: Task): string =>
  metricOf(task.metric).needs === 'label'
    ? `found = predict(X, y, X_test)
sample[sample.columns[1]] = [classes[place] for place in found.argmax(1)]
os.makedirs("working", exist_ok=True)
sample.to_csv("working/submission.csv", index=False)`
    : `found = predict(X, y, X_test)


def column_of(name):
    own = places.get(key(name), places.get(key(name.removeprefix(TARGET + "_"))))
    return 0.0 if own is None else found[:, own]


if len(sample.columns) == 2:
    sample[sample.columns[1]] = found[:, -1]
else:
    sample = pd.concat(
        [sample.iloc[:, :1], *[pd.Series(column_of(c), sample.index, name=c)
                               for c in sample.columns[1:]]],
        axis=1,
    )
os.makedirs("working", exist_ok=True)
sample.to_csv("working/submission.csv", index=False)`
