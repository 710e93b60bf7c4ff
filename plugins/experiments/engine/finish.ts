/** The end of an experiment: a blend of what there is, runs with other seeds, and a choice. */
import type { JournalEvent } from '../journal/events.ts'
import { goodNodes } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptFile, Node } from '../journal/node.ts'
import { factualReport } from '../results/report.ts'
import { type Candidate, chooseFinal, pickFinalists, type Rerun } from '../scoring/final.ts'
import { compareStored } from '../scoring/stored-predictions.ts'
import { blend, type BlendOptions } from './blend.ts'
import { rerunAll, type RerunOptions } from './reruns.ts'

export interface FinishOptions extends RerunOptions, BlendOptions {
  /** Markdown by a model; null: there is none to ask, or it gave none. */
  writeReport(best: Node | null): Promise<string | null>
}

/** What is to be added to the journal: the blend, if it is worth keeping, and the choice. */
export const finishExperiment = async (
  options: FinishOptions,
  journal: Journal,
): Promise<readonly JournalEvent[]> => {
  const { experiment, groundwork, stop, leave } = options
  const { finalists, ensemble } = experiment.settings
  const maximize = journal.maximize ?? groundwork.task?.maximize ?? true
  const chosen = pickFinalists(goodNodes(journal), maximize, finalists)
  const reruns = await rerunAll(options, chosen)
  if (stop.aborted || leave.aborted) return []
  const blended = ensemble ? await blend(options, journal) : null
  const nodes = blended ? [...journal.nodes, blended.node] : journal.nodes
  const candidates = chosen.map((node) => candidateOf(node, reruns.get(node.id)))
  if (blended) candidates.push(candidateOf(blended.node))
  const choice = await chooseFinal({
    candidates,
    maximize,
    baseline: baselineOf(journal, candidates),
    compare: (before, after) => compare(options, nodes, before, after),
  })
  const best = nodes.find(({ id }) => id === choice.best) ?? null
  const report = await reportOf(options, { ...journal, nodes }, choice, best)
  return [...(blended?.events ?? []), { type: 'completed', final: { ...choice, report } }]
}

const candidateOf = ({ id, verdict }: Node, reruns: readonly Rerun[] = []): Candidate => ({
  node: id,
  metric: verdict?.metric ?? Number.NaN,
  selectionMetric: verdict?.selectionMetric ?? null,
  interval: verdict?.interval ?? null,
  reruns,
})

/** The first good program is the simplest thing that worked. */
const baselineOf = (journal: Journal, candidates: readonly Candidate[]): Candidate | null => {
  const [first] = goodNodes(journal)
  if (!first) return null
  return candidates.find(({ node }) => node === first.id) ?? candidateOf(first)
}

const compare = async (
  { blobs, groundwork: { task, prepared } }: FinishOptions,
  nodes: readonly Node[],
  before: string,
  after: string,
) => {
  const [first, second] = [before, after].map(
    (id) => nodes.find((node) => node.id === id)?.verdict?.predictions,
  )
  if (!task || !prepared || !first || !second) return null
  return compareStored(blobs, task, prepared, first, second)
}

const reportOf = async (
  { experiment, groundwork, blobs, writeReport }: FinishOptions,
  journal: Journal,
  choice: Parameters<typeof factualReport>[2],
  best: Node | null,
): Promise<KeptFile | null> => {
  if (!experiment.settings.report) return null
  const { task, prepared } = groundwork
  const facts = factualReport({ ...experiment, task, prepared }, journal, choice)
  const written = await writeReport(best)
  const text = written === null ? facts : `${written}\n\n---\n\n${facts}`
  const bytes = new TextEncoder().encode(text)
  return { path: 'report.md', ...(await blobs.put(new Blob([bytes]).stream())) }
}
