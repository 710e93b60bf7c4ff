/** The metrics that the server computes by itself. */
import type { Aligned, Scored } from './aligned.ts'
import * as labels from './metrics-labels.ts'
import * as probabilities from './metrics-probabilities.ts'
import * as ranking from './metrics-ranking.ts'
import * as regression from './metrics-regression.ts'
import type { TaskKind } from './task.ts'

/** What a program has to predict: a number, a class, or a probability for each class. */
export type PredictionKind = 'value' | 'label' | 'probability'

export interface Metric {
  readonly maximize: boolean
  readonly needs: PredictionKind
  readonly kinds: readonly TaskKind[]
  /** Only the order of predictions counts, so that they need not be probabilities. */
  readonly isOfOrder?: boolean
  /** Of a whole part; a text says why there is no score. */
  score(rows: Aligned): Scored
}

const regressionMetric = (score: Metric['score'], maximize = false): Metric => ({
  maximize,
  needs: 'value',
  kinds: ['regression'],
  score,
})

const labelMetric = (score: Metric['score'], kinds: readonly TaskKind[] = anyClasses): Metric => ({
  maximize: true,
  needs: 'label',
  kinds,
  score,
})

const anyClasses: readonly TaskKind[] = ['binary', 'multiclass']
const twoClasses: readonly TaskKind[] = ['binary']

const probabilityMetric = (score: Metric['score'], isOfOrder: boolean): Metric => ({
  maximize: isOfOrder,
  needs: 'probability',
  kinds: anyClasses,
  isOfOrder,
  score,
})

const rankingMetric = (score: Metric['score']): Metric => ({
  maximize: true,
  needs: 'value',
  kinds: ['ranking'],
  isOfOrder: true,
  score,
})

export const metrics = {
  rmse: regressionMetric(regression.rmse),
  mse: regressionMetric(regression.mse),
  mae: regressionMetric(regression.mae),
  mape: regressionMetric(regression.mape),
  smape: regressionMetric(regression.smape),
  rmsle: regressionMetric(regression.rmsle),
  median_absolute_error: regressionMetric(regression.medianAbsoluteError),
  max_error: regressionMetric(regression.maxError),
  r2: regressionMetric(regression.r2, true),
  explained_variance: regressionMetric(regression.explainedVariance, true),
  pearson: regressionMetric(regression.pearson, true),
  spearman: regressionMetric(regression.spearman, true),
  accuracy: labelMetric(labels.accuracy),
  balanced_accuracy: labelMetric(labels.balancedAccuracy),
  f1: labelMetric(labels.f1, twoClasses),
  /** With one label a row it is the accuracy; its name is asked for all the same. */
  f1_micro: labelMetric(labels.accuracy),
  f1_macro: labelMetric(labels.f1Macro),
  f1_weighted: labelMetric(labels.f1Weighted),
  precision: labelMetric(labels.precision, twoClasses),
  precision_macro: labelMetric(labels.precisionMacro),
  recall: labelMetric(labels.recall, twoClasses),
  recall_macro: labelMetric(labels.recallMacro),
  mcc: labelMetric(labels.mcc),
  cohen_kappa: labelMetric(labels.cohenKappa),
  quadratic_weighted_kappa: labelMetric(labels.quadraticWeightedKappa),
  roc_auc: probabilityMetric(probabilities.rocAuc, true),
  average_precision: probabilityMetric(probabilities.averagePrecision, true),
  log_loss: probabilityMetric(probabilities.logLoss, false),
  brier: probabilityMetric(probabilities.brier, false),
  ndcg: rankingMetric(ranking.ndcg()),
  'ndcg@5': rankingMetric(ranking.ndcg(5)),
  'ndcg@10': rankingMetric(ranking.ndcg(10)),
  map: rankingMetric(ranking.meanAveragePrecision()),
  'map@5': rankingMetric(ranking.meanAveragePrecision(5)),
  'map@10': rankingMetric(ranking.meanAveragePrecision(10)),
  mrr: rankingMetric(ranking.reciprocalRank()),
  'hit@1': rankingMetric(ranking.hit(1)),
  'hit@5': rankingMetric(ranking.hit(5)),
  'hit@10': rankingMetric(ranking.hit(10)),
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics
export const metricNames = Object.keys(metrics) as readonly MetricName[]

export const metricOf = (name: MetricName): Metric => metrics[name]

export const isMetricName = (name: string): name is MetricName => Object.hasOwn(metrics, name)

export const defaultMetric: Readonly<Record<TaskKind, MetricName>> = {
  regression: 'rmse',
  binary: 'roc_auc',
  multiclass: 'accuracy',
  ranking: 'ndcg',
}

/** A score, or the reason why there is none. Whatever is not finite is none. */
export const scoreOf = (name: MetricName, rows: Aligned): Scored => {
  if (rows.truth.length === 0) return 'there are no rows to score'
  const score = metrics[name].score(rows)
  return typeof score === 'string' || Number.isFinite(score) ? score : 'the score is not finite'
}
