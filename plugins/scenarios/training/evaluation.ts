/** An evaluation as the points of curves, and back. */
import { type Result, wilson } from '../learning/evaluate.ts'

/** Of each task its own curve; percentages, as the document has them. */
export const evaluationMetrics = (found: Result): Record<string, number> => {
  const [low, high] = wilson(found.successes, found.episodes)
  const tasks = Object.entries(found.tasks).filter(([, { episodes }]) => episodes > 0)
  return {
    accuracy: percent(found.successes, found.episodes),
    accuracy_n: found.episodes,
    accuracy_low: 100 * low,
    accuracy_high: 100 * high,
    ...Object.fromEntries(
      tasks.flatMap(([name, { successes, episodes }]) => [
        [`accuracy/${name}`, percent(successes, episodes)],
        [`episodes/${name}`, episodes],
      ]),
    ),
  }
}

export const percent = (part: number, whole: number): number =>
  whole === 0 ? 0 : (100 * part) / whole

/** What was found, and between which percentages the truth is likely to be (Wilson, 95 %). */
export const withInterval = <R extends Pick<Result, 'episodes' | 'successes'>>(found: R) => ({
  ...found,
  interval: wilson(found.successes, found.episodes).map((share) => 100 * share),
})
