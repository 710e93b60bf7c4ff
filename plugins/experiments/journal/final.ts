/** What an experiment delivers at its end. */
import type { KeptFile } from './node.ts'

export interface Finalist {
  readonly node: string
  readonly metric: number | null
  readonly selectionMetric: number | null
  /** Search metrics of the runs with other seeds. */
  readonly reruns: readonly number[]
  readonly interval: readonly [number, number] | null
}

export interface Final {
  /** null: no node is good. */
  readonly best: string | null
  readonly finalists: readonly Finalist[]
  /** The best one's lead over the next, or over the baseline, is smaller than the noise. */
  readonly isWithinNoise: boolean
  /** In words: how the choice was made, and how sure it is. */
  readonly explanation: string
  readonly report: KeptFile | null
}
