/** Experiments as clients see them: the document's fields, and more beside them. */
import { timeOf, timeOrNull } from './dialect.ts'
import type { Experiment } from './experiment.ts'
import { bestOf } from './journal/good.ts'
import type { Journal } from './journal/journal.ts'
import type { KeptFile } from './journal/node.ts'
import { nodeViews } from './node-view.ts'
import { solutionOf } from './results/solution.ts'

export const experimentView = (experiment: Experiment) => {
  const { id, name, goal, evaluation, steps, status, finishedSteps, settings } = experiment
  return {
    id,
    name,
    goal,
    eval: evaluation,
    steps,
    status,
    progress: steps === 0 ? 0 : Math.min(1, finishedSteps / steps),
    currentStep: finishedSteps,
    totalSteps: steps,
    createdAt: timeOf(experiment.createdAt),
    updatedAt: timeOf(experiment.updatedAt),
    startedAt: timeOrNull(experiment.startedAt),
    completedAt: timeOrNull(experiment.endedAt),
    /** As programs would say it; no path of this machine. */
    dataDir: `/experiments/${id}/data`,
    bestNodeId: experiment.bestNode,
    bestMetric: { value: experiment.bestMetric, maximize: experiment.maximize },
    task: experiment.task && taskView(experiment),
    settings,
    error: experiment.error,
    runId: experiment.runId,
  }
}

const taskView = ({ task, prepared }: Experiment) =>
  task && {
    kind: task.kind,
    target: task.target,
    metric: task.metric,
    maximize: task.maximize,
    table: task.table,
    id: task.id,
    group: task.group,
    source: task.source,
    explanation: task.explanation,
    rows: prepared?.rows ?? null,
  }

export const filesView = (inputs: readonly KeptFile[]) =>
  inputs.map(({ path, sha256, sizeBytes }) => ({ name: path, sha256, size: sizeBytes }))

/** Answered while it runs, too: what there is so far. */
export const resultsView = (experiment: Experiment, journal: Journal, now: number) => {
  const { id, status, startedAt, endedAt } = experiment
  const best = bestOf(journal)
  const metric = { value: best?.verdict?.metric ?? null, maximize: journal.maximize }
  const totalTime = startedAt === null ? 0 : ((endedAt ?? now) - startedAt) / 1000
  return {
    experimentId: id,
    status,
    bestSolution: best && {
      nodeId: best.id,
      step: best.step,
      plan: best.plan,
      code: solutionOf(best, journal, experiment.task),
      metric,
      metricSource: best.verdict?.metricSource ?? null,
      reportedMetric: best.verdict?.reportedMetric ?? null,
      interval: best.verdict?.interval ?? null,
    },
    bestMetric: metric,
    journal: {
      nodes: nodeViews(journal),
      bestMetric: metric,
      totalTime,
      createdAt: timeOf(experiment.createdAt),
    },
    config: { ...experiment.settings, steps: experiment.steps, goal: experiment.goal },
    task: experimentView(experiment).task,
    final: journal.final && {
      best: journal.final.best,
      finalists: journal.final.finalists,
      isWithinNoise: journal.final.isWithinNoise,
      explanation: journal.final.explanation,
    },
    notes: journal.notes,
    treeVisualization: `/api/experiments/${id}/tree.html`,
    totalTime,
    startedAt: timeOrNull(startedAt),
    completedAt: timeOrNull(endedAt),
  }
}
