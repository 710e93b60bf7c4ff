/** Says whether a node is better than another, or other rows might have said otherwise. */
import { gainInterval, type Interval } from './bootstrap.ts'
import { type MetricName, metricOf, scoreOf } from './metrics.ts'
import type { Predictions } from './predictions.ts'

export interface Comparison {
  /** How much better the second is; negative: worse. */
  readonly gain: number
  /** 95 % interval of the gain, over the same rows drawn for both. */
  readonly interval: Interval
  /** The interval holds 0. */
  readonly isWithinNoise: boolean
}

const seed = 20_232

export const compareOnSelection = async (
  metric: MetricName,
  before: Pick<Predictions, 'selection'>,
  after: Pick<Predictions, 'selection'>,
): Promise<Comparison | null> => {
  const first = scoreOf(metric, before.selection)
  const second = scoreOf(metric, after.selection)
  if (typeof first === 'string' || typeof second === 'string') return null
  const interval = await gainInterval(metric, before.selection, after.selection, seed)
  if (interval === null) return null
  return {
    gain: metricOf(metric).maximize ? second - first : first - second,
    interval,
    isWithinNoise: interval[0] <= 0 && interval[1] >= 0,
  }
}
