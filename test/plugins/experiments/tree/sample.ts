/** A journal made up for drawing it: what the tree page shows of it is what its tests look at. */
import type { Node, Stage } from '../../../../plugins/experiments/journal/node.ts'
import { nodeViews } from '../../../../plugins/experiments/node-view.ts'
import type { TreeData } from '../../../../plugins/experiments/tree/page.ts'

/** Text that ends scripts and comments, closes tags and would show an alert. */
export const hostile = '</script><img src=x onerror="window.pwned=1"><!--<script>\u2028'

const program = (step: number): string =>
  [
    'import pandas as pd',
    'from sklearn.ensemble import RandomForestRegressor',
    '',
    '# Rows that were kept back are not here.',
    'train = pd.read_csv("./input/train.csv")',
    `model = RandomForestRegressor(n_estimators=${50 + 25 * step}, random_state=0)`,
    'model.fit(train.drop(columns=["price"]), train["price"])',
    `print(f"validation RMSE: {0.${40 - (step % 20)}:.4f}")`,
  ].join('\n')

export const nodeAt = (step: number, parent: Node | null, stage: Stage, metric: number | null) => {
  const isBuggy = metric === null
  const node: Node = {
    id: `node_${step}`,
    step,
    parents: parent ? [parent.id] : [],
    stage,
    state: 'finished',
    plan: `Try variant ${step} of the forest.`,
    code: program(step),
    author: 'built-in',
    calls: [],
    createdAt: Date.UTC(2026, 0, 1, 0, step),
    jobId: `job_${step}`,
    requeues: 0,
    run: {
      jobId: `job_${step}`,
      execTimeS: 2.5,
      exitCode: isBuggy ? 1 : 0,
      signal: null,
      output: { head: `validation of ${step}\n`, tail: '', omittedBytes: 0, totalBytes: 16 },
      exception: isBuggy
        ? {
            type: 'ValueError',
            message: 'Input contains NaN',
            args: ['Input contains NaN'],
            stack: [['solution.py', 7, '<module>', 'model.fit(x, y)']],
          }
        : null,
      failure: isBuggy ? 'exception' : null,
      message: null,
      peakMemoryBytes: 180_000_000,
      artifacts: [],
    },
    verdict: {
      isBuggy,
      failure: isBuggy ? 'exception' : null,
      metric,
      metricSource: 'server',
      reportedMetric: metric === null ? null : metric * 0.98,
      selectionMetric: metric,
      interval: metric === null ? null : [metric * 0.95, metric * 1.05],
      analysis: isBuggy ? 'It stopped before it scored anything.' : 'It ran, and it scores.',
      warnings: [],
      predictions: null,
    },
    debugDepth: 0,
    isPinned: false,
    isPruned: false,
  }
  return node
}

/** A tree of `count` steps as a search makes it; the same each time. */
export const demo = (count: number): TreeData => {
  const nodes: Node[] = []
  let state = 7
  const draw = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
  for (let step = 1; step <= count; step++) {
    const buggy = nodes.filter(({ verdict }) => verdict?.isBuggy)
    const good = nodes.filter(({ verdict }) => verdict?.isBuggy === false)
    const leaf = buggy.findLast(({ id }) => !nodes.some(({ parents }) => parents[0] === id))
    const isDraft = step <= 5 || good.length === 0
    const isDebug = !isDraft && leaf !== undefined && draw() < 0.5
    const parent = isDraft ? null : isDebug ? leaf : good[Math.floor(draw() ** 0.5 * good.length)]
    const before = parent?.verdict?.metric ?? 0.6
    const metric = draw() < 0.22 ? null : Number((before * (0.86 + 0.2 * draw())).toFixed(5))
    const stage = isDraft ? 'draft' : isDebug ? 'debug' : step % 11 === 0 ? 'fuse' : 'improve'
    const node = nodeAt(step, parent ?? null, stage, metric)
    const other = good.at(0)
    const fused = stage === 'fuse' && other && other !== parent ? [...node.parents, other.id] : null
    nodes.push(fused ? { ...node, parents: fused } : node)
  }
  const good = nodes.filter(({ verdict }) => verdict?.isBuggy === false)
  const metricOf = ({ verdict }: Node): number => verdict?.metric ?? Number.POSITIVE_INFINITY
  const best = good.sort((a, b) => metricOf(a) - metricOf(b))[0]?.id ?? null
  return {
    experimentId: 'exp_0123456789ab',
    name: 'House prices',
    goal: 'Predict the price of a house from its rooms, its age and where it stands.',
    status: 'completed',
    totalSteps: count,
    maximize: false,
    metric: 'RMSE',
    best,
    explanation: null,
    nodes: nodeViews({ nodes, maximize: false }),
    calls: [],
    cursor: 0,
  }
}
