/** From what a program did to what it is worth: run, review and the server's own score together. */
import type { Failure, KeptFile, Node, Run, Verdict } from '../journal/node.ts'
import type { Review } from '../propose/proposer.ts'
import { leakageWarnings } from '../scoring/leakage.ts'
import type { Judgement, Prepared, Referee } from '../scoring/referee.ts'
import type { Task } from '../scoring/task.ts'

/** Where a program leaves its predictions. */
export const submissionPath = 'working/submission.csv'

export interface JudgeOptions {
  readonly referee: Referee
  /** Both null: nothing that the server could score. */
  readonly task: Task | null
  readonly prepared: Prepared | null
}

/** The direction counts from the first review on; a reviewer who turns it is told apart here. */
export const judge = async (
  options: JudgeOptions,
  node: Node,
  run: Run,
  review: Review,
  maximize: boolean | null,
): Promise<Verdict> => {
  const submission = run.artifacts.find(({ path }) => path === submissionPath) ?? null
  const found = await scoreOf(options, run, submission, review)
  const failure = run.failure ?? found.failure
  return {
    reportedMetric: review.metric,
    analysis: review.problem ?? review.summary,
    predictions: submission,
    isBuggy: failure !== null,
    failure,
    metric: failure === null ? found.metric : null,
    metricSource: options.task ? 'server' : 'reported',
    selectionMetric: failure === null ? found.selectionMetric : null,
    interval: failure === null ? found.interval : null,
    warnings: [
      ...leakageWarnings(node.code, options.task),
      ...turned(review, maximize),
      ...found.warnings,
    ],
  }
}

interface Score {
  readonly metric: number | null
  readonly selectionMetric: number | null
  readonly interval: readonly [number, number] | null
  readonly failure: Failure | null
  readonly warnings: readonly string[]
}

const scoreOf = async (
  { referee, task, prepared }: JudgeOptions,
  run: Run,
  submission: KeptFile | null,
  review: Review,
): Promise<Score> => {
  if (run.failure !== null) return { ...nothing, failure: run.failure }
  if (task && prepared) {
    return judged(await referee.judge(task, prepared, submission), review, task)
  }
  return reported(review)
}

const nothing = { metric: null, selectionMetric: null, interval: null, warnings: [] } as const

/** The server's score stands whatever the reviewer thinks; its doubts are kept as a warning. */
const judged = (judgement: Judgement, review: Review, task: Task): Score => {
  const { metric, selectionMetric, interval, failure, problem } = judgement
  const warnings = [...judgement.warnings]
  if (problem !== null) warnings.push(problem)
  if (failure === null && review.isBug) warnings.push(`The reviewer doubts it: ${review.summary}`)
  warnings.push(...overclaimed(judgement, review, task))
  return { metric, selectionMetric, interval, failure, warnings }
}

/** A claim far above what can be chance: its own validation saw what it should not have seen. */
const overclaimed = (
  { metric, interval }: Judgement,
  { metric: claim }: Review,
  task: Task,
): string[] => {
  if (metric === null || interval === null || claim === null) return []
  const [low, high] = interval
  const width = high - low
  const isBeyond = task.maximize ? claim > high + width / 2 : claim < low - width / 2
  if (!isBeyond) return []
  const [claimed, measured, from, to] = [claim, metric, low, high].map((value) =>
    String(Number(value.toPrecision(4))),
  )
  return [
    `The program claims ${claimed}; its predictions come to ${measured} (95 % interval ${from} ` +
      `to ${to}): its own validation may leak, or measure something else.`,
  ]
}

const reported = ({ metric, isBug }: Review): Score => {
  if (isBug) return { ...nothing, failure: 'reviewed_as_bug' }
  if (metric === null) return { ...nothing, failure: 'no_metric' }
  if (!Number.isFinite(metric)) return { ...nothing, failure: 'non_finite_metric' }
  return { ...nothing, metric, failure: null }
}

const turned = ({ lowerIsBetter }: Review, maximize: boolean | null): string[] => {
  if (lowerIsBetter === null || maximize === null || lowerIsBetter !== maximize) return []
  const now = lowerIsBetter ? 'lower' : 'higher'
  return [`The reviewer now says that ${now} is better; the direction of the first review counts`]
}
