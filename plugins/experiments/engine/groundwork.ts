/** What an experiment stands on: its data, what is to be predicted, and what programs may see. */
import type { DataPreview } from '../data/preview.ts'
import type { KeptFile } from '../journal/node.ts'
import type { Prepared } from '../scoring/referee.ts'
import type { Task } from '../scoring/task.ts'

export interface Groundwork {
  /** Both null: there is nothing that the server could score. */
  readonly task: Task | null
  readonly prepared: Prepared | null
  /** Files of `./input`. */
  readonly visible: readonly KeptFile[]
  readonly preview: DataPreview | null
}
