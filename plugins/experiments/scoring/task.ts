/** What is to be predicted, and how the server measures it. */
import type { MetricName } from './metrics.ts'

export type TaskKind = 'regression' | 'binary' | 'multiclass' | 'ranking'

export interface Task {
  readonly kind: TaskKind
  /** The column to predict. */
  readonly target: string
  readonly metric: MetricName
  readonly maximize: boolean
  /** Name of the uploaded table that has the target. */
  readonly table: string
  /** Column that names a row; null: the server adds `row_id`. */
  readonly id: string | null
  /** Column whose equal values must not be parted; for ranking, the query. */
  readonly group: string | null
  /** `given` by the user, `read` in goal and evaluation, or `guessed` from the data. */
  readonly source: 'given' | 'read' | 'guessed'
  /** In words: what was found where. */
  readonly explanation: string
}
