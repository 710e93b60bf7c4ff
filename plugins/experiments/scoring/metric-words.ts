/** Knows metrics by the names that people give them. */
import { isMetricName, type MetricName, metricNames } from './metrics.ts'

/** Longer names first: `mean squared error` is part of `root mean squared error`. */
const words: readonly (readonly [string, MetricName])[] = (
  [
    ['root mean squared logarithmic error', 'rmsle'],
    ['root mean squared log error', 'rmsle'],
    ['root mean square log error', 'rmsle'],
    ['rmsle', 'rmsle'],
    ['root mean squared error', 'rmse'],
    ['root mean square error', 'rmse'],
    ['root mean squared deviation', 'rmse'],
    ['rmse', 'rmse'],
    ['mean squared error', 'mse'],
    ['mean square error', 'mse'],
    ['mse', 'mse'],
    ['symmetric mean absolute percentage error', 'smape'],
    ['smape', 'smape'],
    ['mean absolute percentage error', 'mape'],
    ['mape', 'mape'],
    ['median absolute error', 'median_absolute_error'],
    ['mean absolute error', 'mae'],
    ['mae', 'mae'],
    ['max error', 'max_error'],
    ['maximum error', 'max_error'],
    ['coefficient of determination', 'r2'],
    ['r squared', 'r2'],
    ['r2 score', 'r2'],
    ['r2', 'r2'],
    ['r²', 'r2'],
    ['explained variance', 'explained_variance'],
    ['pearson correlation', 'pearson'],
    ['pearson', 'pearson'],
    ['spearman correlation', 'spearman'],
    ['spearman', 'spearman'],
    ['balanced accuracy', 'balanced_accuracy'],
    ['accuracy score', 'accuracy'],
    ['accuracy', 'accuracy'],
    ['correct classification rate', 'accuracy'],
    ['macro averaged f1', 'f1_macro'],
    ['macro f1', 'f1_macro'],
    ['f1 macro', 'f1_macro'],
    ['micro f1', 'f1_micro'],
    ['f1 micro', 'f1_micro'],
    ['weighted f1', 'f1_weighted'],
    ['f1 weighted', 'f1_weighted'],
    ['f1 score', 'f1'],
    ['f1', 'f1'],
    ['f score', 'f1'],
    ['macro precision', 'precision_macro'],
    ['macro recall', 'recall_macro'],
    ['mean average precision', 'map'],
    ['average precision', 'average_precision'],
    ['area under the precision recall curve', 'average_precision'],
    ['precision recall auc', 'average_precision'],
    ['pr auc', 'average_precision'],
    ['auc pr', 'average_precision'],
    ['auprc', 'average_precision'],
    ['area under the receiver operating characteristic curve', 'roc_auc'],
    ['area under the roc curve', 'roc_auc'],
    ['area under the curve', 'roc_auc'],
    ['roc auc', 'roc_auc'],
    ['auc roc', 'roc_auc'],
    ['auroc', 'roc_auc'],
    ['rocauc', 'roc_auc'],
    ['auc', 'roc_auc'],
    ['logarithmic loss', 'log_loss'],
    ['log loss', 'log_loss'],
    ['logloss', 'log_loss'],
    ['cross entropy', 'log_loss'],
    ['brier score', 'brier'],
    ['brier', 'brier'],
    ['matthews correlation coefficient', 'mcc'],
    ['matthews correlation', 'mcc'],
    ['mcc', 'mcc'],
    ['quadratic weighted kappa', 'quadratic_weighted_kappa'],
    ['weighted kappa', 'quadratic_weighted_kappa'],
    ['qwk', 'quadratic_weighted_kappa'],
    ['cohen s kappa', 'cohen_kappa'],
    ['cohen kappa', 'cohen_kappa'],
    ['kappa', 'cohen_kappa'],
    ['normalized discounted cumulative gain', 'ndcg'],
    ['normalised discounted cumulative gain', 'ndcg'],
    ['ndcg', 'ndcg'],
    ['mean reciprocal rank', 'mrr'],
    ['mrr', 'mrr'],
    ['hit rate', 'hit@10'],
    ['precision', 'precision'],
    ['recall', 'recall'],
    ['sensitivity', 'recall'],
    ['map', 'map'],
  ] as const
).toSorted((a, b) => b[0].length - a[0].length)

/** These mean a metric only where one is spoken of: "a map of the city", "recall that". */
const everyday = new Set(['map', 'precision', 'recall', 'sensitivity', 'pearson', 'f score'])

const plain = (text: string): string =>
  ` ${text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}@²]+/gu, ' ')
    .trim()} `

export interface FoundMetric {
  readonly name: MetricName
  /** As it stands in the text, lower case and without punctuation. */
  readonly words: string
}

/** The first metric that a text names. `isEvaluation`: the text is about nothing else. */
export const metricIn = (text: string, isEvaluation: boolean): FoundMetric | null => {
  const searched = plain(text)
  const found: { name: MetricName; words: string; at: number }[] = []
  for (const [phrase, name] of words) {
    if (everyday.has(phrase) && !isEvaluation) continue
    const cut = searched.match(new RegExp(` ${phrase}( at |@| @ ?)(\\d+) `))
    const at = cut?.index ?? searched.indexOf(` ${phrase} `)
    if (at < 0) continue
    // `error` within an error that was found already is no second metric.
    if (found.some((other) => at >= other.at && at < other.at + other.words.length)) continue
    const atK = cut === null ? name : `${name.replace(/@\d+$/, '')}@${cut[2]}`
    found.push({ name: isMetricName(atK) ? atK : name, words: (cut?.[0] ?? phrase).trim(), at })
  }
  const first = found.toSorted((a, b) => a.at - b.at)[0]
  return first ? { name: first.name, words: first.words } : null
}

/** The metric that a setting names: its own name, or any that people give it. */
export const metricNamed = (given: string): MetricName | null => {
  const own = given.trim().toLowerCase()
  if (isMetricName(own)) return own
  const underscored = own.replaceAll(/[\s-]+/g, '_')
  if (isMetricName(underscored)) return underscored
  const found = metricIn(given, true)
  return found && plain(given) === ` ${found.words} ` ? found.name : null
}

/** Those whose names are nearest to a name that is none. */
export const nearest = (given: string, names: readonly string[] = metricNames): string[] =>
  names
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, name.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name)

const editDistance = (a: string, b: string): number => {
  if (Math.abs(a.length - b.length) > 20) return 100
  let before = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const now = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      now.push(Math.min(change, before[j]! + 1, now[j - 1]! + 1))
    }
    before = now
  }
  return before[b.length]!
}
