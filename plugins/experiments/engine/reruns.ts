/** Runs the finalists again with other seeds, as many at once as the experiment has workers. */
import type { Who } from '../../../src/sdk.ts'
import type { StepExecutor } from '../execution/executor.ts'
import type { Experiment } from '../experiment.ts'
import type { Node, Run } from '../journal/node.ts'
import type { Rerun } from '../scoring/final.ts'
import type { Referee } from '../scoring/referee.ts'
import type { Groundwork } from './groundwork.ts'
import { submissionPath } from './judge.ts'
import { stepRequest } from './step-request.ts'

export interface RerunOptions {
  readonly experiment: Experiment
  readonly owner: Who
  readonly groundwork: Groundwork
  readonly executor: StepExecutor
  readonly referee: Referee
  /** Cancels what runs. */
  readonly stop: AbortSignal
  /** Begins nothing more, and leaves what runs to others. */
  readonly leave: AbortSignal
  secondsLeft(): number | null
}

/** Of each node its scores. A run that fails or is not scored says nothing, and is left out. */
export const rerunAll = async (
  options: RerunOptions,
  nodes: readonly Node[],
): Promise<ReadonlyMap<string, readonly Rerun[]>> => {
  const { workers, reruns } = options.experiment.settings
  if (!options.groundwork.task || !options.groundwork.prepared) return new Map()
  const wanted = nodes
    .filter(({ code }) => code !== '')
    .flatMap((node) => Array.from({ length: reruns }, (_, i) => ({ node, seed: i + 1 })))
  const scores = wanted.map((): Rerun | null => null)
  const failed = new AbortController()
  const stop = AbortSignal.any([options.stop, failed.signal])
  const queue = wanted.entries()
  const work = async (): Promise<void> => {
    for (const [place, { node, seed }] of queue) {
      if (stop.aborted || options.leave.aborted || options.secondsLeft() === 0) return
      scores[place] = await rerun({ ...options, stop }, node, seed)
    }
  }
  const workings = Array.from({ length: workers }, () =>
    work().catch((error: unknown) => {
      failed.abort()
      throw error
    }),
  )
  // Nothing is under way any more when this is left, however it is.
  for (const ended of await Promise.allSettled(workings)) {
    if (ended.status === 'rejected') throw ended.reason
  }
  const of = (node: Node): Rerun[] =>
    scores.flatMap((score, place) => (score && wanted[place]!.node === node ? [score] : []))
  return new Map(nodes.map((node) => [node.id, of(node)]))
}

const rerun = async (options: RerunOptions, node: Node, seed: number): Promise<Rerun | null> => {
  const { groundwork, referee } = options
  const { task, prepared } = groundwork
  const run = await freshRun(options, node, seed)
  if (!task || !prepared || run.failure !== null) return null
  const found = run.artifacts.find(({ path }) => path === submissionPath) ?? null
  const { metric, selectionMetric } = await referee.judge(task, prepared, found)
  return metric === null ? null : { metric, selectionMetric }
}

/** Stops of before that are passed over; more than that, and a user cancels by hand. */
const maxCancelled = 10

/** An attempt of before is taken up as long as no stop has cancelled it. */
const freshRun = async (options: RerunOptions, node: Node, seed: number): Promise<Run> => {
  const { experiment, owner, groundwork, executor, stop, leave, secondsLeft } = options
  const env = { HEARTH_SEED: String(experiment.settings.seed + seed) }
  for (let cancelled = 0; ; cancelled++) {
    const attempt = `${node.id}+seed${seed}${cancelled === 0 ? '' : `~${cancelled}`}`
    const left = { timeoutS: secondsLeft() }
    const request = stepRequest(experiment, owner, groundwork, node, attempt, env, left)
    const run = await executor.run(request, async () => undefined, stop)
    const isOver = stop.aborted || leave.aborted || cancelled === maxCancelled
    if (run.failure !== 'cancelled' || isOver) return run
  }
}
