/** A node as clients see it: over REST, in live messages and on the tree page alike. */
import { timeOf } from './dialect.ts'
import type { Journal } from './journal/journal.ts'
import type { KeptFile, Node, Output } from './journal/node.ts'

/** What `nodeView` reads of the journal that the node is in. */
export type Around = Pick<Journal, 'maximize' | 'nodes'>

/** All nodes of a journal, each with its children: linear in their number. */
export const nodeViews = (around: Around): NodeView[] => {
  const children = childrenOf(around.nodes)
  return around.nodes.map((node) => view(node, around.maximize, children.get(node.id) ?? []))
}

export const nodeView = (node: Node, { maximize, nodes }: Around): NodeView => {
  const children = nodes.filter(({ parents }) => parents[0] === node.id)
  return view(
    node,
    maximize,
    children.map(({ id }) => id),
  )
}

export type NodeView = ReturnType<typeof view>

const view = (node: Node, maximize: boolean | null, children: readonly string[]) => {
  const { run, verdict } = node
  const exception = run?.exception ?? null
  // A buggy node's number is worth nothing, and clients would take it for its score.
  const value = verdict?.isBuggy === false ? verdict.metric : null
  return {
    id: node.id,
    step: node.step,
    stage: node.stage,
    state: node.state,
    parentId: node.parents[0] ?? null,
    parents: node.parents,
    children,
    debugDepth: node.debugDepth,
    plan: node.plan,
    code: node.code,
    author: node.author,
    calls: node.calls,
    /** null until the node has been judged. */
    isBuggy: verdict?.isBuggy ?? null,
    failure: verdict?.failure ?? run?.failure ?? null,
    failureMessage: run?.message ?? (verdict?.isBuggy ? (verdict.warnings.at(-1) ?? null) : null),
    metric: { value, maximize },
    metricSource: verdict?.metricSource ?? null,
    reportedMetric: verdict?.reportedMetric ?? null,
    interval: verdict?.interval ?? null,
    analysis: verdict?.analysis ?? null,
    warnings: verdict?.warnings ?? [],
    execTime: run?.execTimeS ?? null,
    termOut: run ? termOut(run.output) : [],
    excType: exception?.type ?? (run?.failure && excTypes[run.failure]) ?? null,
    excInfo: exception && { message: exception.message, args: exception.args },
    excStack: exception?.stack ?? null,
    exitCode: run?.exitCode ?? null,
    signal: run?.signal ?? null,
    peakMemoryBytes: run?.peakMemoryBytes ?? null,
    artifacts: (run?.artifacts ?? []).map(artifactView),
    artifactsLeftOut: run?.leftOut ?? [],
    jobId: node.jobId,
    isPinned: node.isPinned,
    isPruned: node.isPruned,
    createdAt: timeOf(node.createdAt),
  }
}

/** Ends that no exception of the program tells of, in the words that AIDE's users know. */
const excTypes: Readonly<Record<string, string>> = {
  timeout: 'TimeoutError',
  memory: 'MemoryError',
  killed: 'Killed',
}

const termOut = ({ head, tail, omittedBytes }: Output): string[] => {
  if (omittedBytes === 0 && tail === '') return head === '' ? [] : [head]
  return [head, `\n ... [${omittedBytes} bytes left out] ... \n`, tail]
}

/** Without the digest, which is an address in the plugin's own store. */
const artifactView = ({ path, sizeBytes }: KeptFile) => ({ path, size: sizeBytes })

const childrenOf = (nodes: readonly Node[]): ReadonlyMap<string, string[]> => {
  const children = new Map<string, string[]>()
  for (const { id, parents } of nodes) {
    const [parent] = parents
    if (parent === undefined) continue
    const siblings = children.get(parent)
    if (siblings) siblings.push(id)
    else children.set(parent, [id])
  }
  return children
}
