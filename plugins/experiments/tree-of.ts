/** An experiment's tree as a page. */
import type { Experiment } from './experiment.ts'
import { bestOf } from './journal/good.ts'
import type { Journal } from './journal/journal.ts'
import type { LedgerEntry } from './ledger-entry.ts'
import { cursorAfter } from './live.ts'
import { nodeViews } from './node-view.ts'
import { treePage } from './tree/page.ts'

export const treeOf = (
  experiment: Experiment,
  journal: Journal,
  calls: readonly LedgerEntry[],
): string =>
  treePage({
    experimentId: experiment.id,
    name: experiment.name,
    goal: experiment.goal,
    status: experiment.status,
    totalSteps: journal.totalSteps,
    maximize: journal.maximize,
    metric: experiment.task?.metric ?? null,
    best: bestOf(journal)?.id ?? null,
    explanation: journal.final?.explanation ?? null,
    nodes: nodeViews(journal),
    calls: calls.map(
      ({ id, role, model, prompt, reply, inputTokens, outputTokens, usd, latencyMs }) => ({
        ...{ id, role, model, prompt, reply, usd, latencyMs },
        tokens:
          inputTokens === null && outputTokens === null
            ? null
            : (inputTokens ?? 0) + (outputTokens ?? 0),
      }),
    ),
    cursor: cursorAfter(journal.version),
  })
