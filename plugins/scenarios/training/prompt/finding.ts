/** Whether one prompt did better than another, said with no more certainty than there is. */
import { type Result, wilson } from '../../learning/evaluate.ts'
import { percent } from '../evaluation.ts'

/** Points of percent; the interval is of 95 %. */
export interface Difference {
  readonly points: number
  readonly low: number
  readonly high: number
}

/** Newcombe's interval (1998, his tenth): from those of both shares. */
export const differenceOf = (after: Result, before: Result): Difference => {
  const share = ({ successes, episodes }: Result) => percent(successes, episodes)
  const bounds = ({ successes, episodes }: Result) =>
    wilson(successes, episodes).map((one) => 100 * one) as [number, number]
  const [p, q] = [share(after), share(before)]
  const [[pLow, pHigh], [qLow, qHigh]] = [bounds(after), bounds(before)]
  const points = p - q
  return {
    points,
    low: points - Math.hypot(p - pLow, qHigh - q),
    high: points + Math.hypot(pHigh - p, q - qLow),
  }
}

const shown = (value: number): string => value.toFixed(1)

const told = ({ successes, episodes }: Result): string => `${successes} of ${episodes}`

export interface Found {
  readonly isStart: boolean
  /** It was stopped before anything was decided. */
  readonly isCutShort: boolean
  readonly test: Result
  readonly baseline: Result
  readonly difference: Difference
}

export const findingOf = ({ isStart, isCutShort, test, baseline, difference }: Found): string => {
  if (isCutShort) return 'Stopped before validation and test: nothing is known of this prompt.'
  if (isStart) {
    return (
      'No improvement: on validation nothing did better than the prompt it began with, ' +
      `which succeeds in ${told(test)} test episodes.`
    )
  }
  const { points, low, high } = difference
  const figures =
    `${told(test)} test episodes against ${told(baseline)}: ` +
    `${shown(points)} points (95 %: ${shown(low)} to ${shown(high)}).`
  if (low > 0) return `Better than the prompt it began with in ${figures}`
  return `No improvement that the test could show: ${figures}`
}
