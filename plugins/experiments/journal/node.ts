/** A node of the tree: one program, what became of it, and what it is worth. */

/** How a node came to be. A `seed` is another experiment's, an `ensemble` made of predictions. */
export const stages = ['draft', 'improve', 'debug', 'fuse', 'human', 'seed', 'ensemble'] as const
export type Stage = (typeof stages)[number]

/** `waiting` for approval, `ready` to run, `running`, `finished`. */
export type NodeState = 'waiting' | 'ready' | 'running' | 'finished'

/** Why a node is buggy, in one word that scripts may rely on. */
export const failures = [
  'exception',
  'timeout',
  'memory',
  'killed',
  'disk_full',
  'output_limit',
  /** It never ran: the sandbox that was asked for is not to be had, or the job was refused. */
  'refused',
  /** The node or the job was lost; the program is not to blame. */
  'lost',
  'cancelled',
  /** No program could be read out of the model's reply. */
  'no_code',
  'no_predictions',
  'invalid_predictions',
  'no_metric',
  'non_finite_metric',
  /** The reviewer says that the output shows a mistake. */
  'reviewed_as_bug',
] as const
export type Failure = (typeof failures)[number]

export interface NodeException {
  /** Name of the class: `ValueError`. */
  readonly type: string
  readonly message: string
  readonly args: readonly string[]
  /** Innermost last: file, line, function, source line. */
  readonly stack: readonly (readonly [string, number, string, string])[]
}

/** What a program printed: stdout and stderr together. The whole of it is in the job's log. */
export interface Output {
  readonly head: string
  /** Empty when `head` is all of it. */
  readonly tail: string
  /** Bytes between the two. */
  readonly omittedBytes: number
  readonly totalBytes: number
}

export interface KeptFile {
  /** Relative to the node's work folder. */
  readonly path: string
  /** In the plugin's blobs. */
  readonly sha256: string
  readonly sizeBytes: number
}

/** What running a node's program came to, before anybody judged it. */
export interface Run {
  readonly jobId: string | null
  readonly execTimeS: number
  readonly exitCode: number | null
  readonly signal: string | null
  readonly output: Output
  readonly exception: NodeException | null
  /** null: the program ended by itself with 0. */
  readonly failure: Failure | null
  /** For people: why it failed. */
  readonly message: string | null
  readonly peakMemoryBytes: number | null
  readonly artifacts: readonly KeptFile[]
  /** Names of files that were too many or too large to keep; absent: none. */
  readonly leftOut?: readonly string[]
}

/** What a node is worth. Whoever computed `metric` is named by `metricSource`. */
export interface Verdict {
  readonly isBuggy: boolean
  readonly failure: Failure | null
  readonly metric: number | null
  readonly metricSource: 'server' | 'reported'
  /** What the program claims, or what the reviewer read in its output. */
  readonly reportedMetric: number | null
  /** On rows that only decide which node wins; never shown to a proposer. */
  readonly selectionMetric: number | null
  /** 95 % bootstrap interval of `metric`. */
  readonly interval: readonly [number, number] | null
  readonly analysis: string
  readonly warnings: readonly string[]
  /** The predictions, in the plugin's blobs. */
  readonly predictions: KeptFile | null
}

export interface Node {
  /** `node_<step>`. */
  readonly id: string
  /** 1, 2, ... in the order in which nodes were proposed. */
  readonly step: number
  /** The first is the parent in the tree; a fusion names more. */
  readonly parents: readonly string[]
  readonly stage: Stage
  readonly state: NodeState
  readonly plan: string
  readonly code: string
  /** Who wrote it: a model's name, `built-in`, a user. */
  readonly author: string
  /** Ids of the model calls that its code cost. */
  readonly calls: readonly string[]
  readonly createdAt: number
  readonly jobId: string | null
  /** How often its program was begun anew: it was stopped before it ended. */
  readonly requeues: number
  readonly run: Run | null
  readonly verdict: Verdict | null
  /** 0 unless the parent is buggy; then one more than the parent's. */
  readonly debugDepth: number
  readonly isPinned: boolean
  readonly isPruned: boolean
  /** While it is left out: the node that was left out, and took this one along. */
  readonly prunedWith?: string | null
}
