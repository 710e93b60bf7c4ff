/** What happens to an experiment, in order: the journal is a fold of these and nothing else. */
import type { Run, Stage, Verdict } from './node.ts'
import type { Final } from './final.ts'

export type JournalEvent =
  | { readonly type: 'started' }
  | {
      readonly type: 'proposed'
      readonly node: string
      readonly step: number
      readonly parents: readonly string[]
      readonly stage: Stage
      readonly plan: string
      readonly code: string
      readonly author: string
      /** Ids of ledger entries that this node's code cost. */
      readonly calls: readonly string[]
      readonly needsApproval: boolean
    }
  | { readonly type: 'approved'; readonly node: string; readonly code?: string }
  | { readonly type: 'running'; readonly node: string; readonly jobId: string }
  | {
      readonly type: 'finished'
      readonly node: string
      readonly run: Run
      readonly verdict: Verdict
    }
  /** The attempt at a node in flight ended with the server: it is ready again. */
  | { readonly type: 'requeued'; readonly node: string }
  | { readonly type: 'pinned'; readonly node: string; readonly isPinned: boolean }
  | { readonly type: 'pruned'; readonly node: string; readonly isPruned: boolean }
  | { readonly type: 'instructed'; readonly text: string }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'extended'; readonly steps: number }
  /** Whether lower is better was found out from the first review; it never changes afterwards. */
  | { readonly type: 'directed'; readonly maximize: boolean }
  | { readonly type: 'noted'; readonly text: string }
  | { readonly type: 'stopped'; readonly reason: string }
  | { readonly type: 'failed'; readonly error: string; readonly message: string }
  | { readonly type: 'completed'; readonly final: Final }

/** An event as it is stored: `seq` counts 1, 2, ... within the experiment, without a gap. */
export interface StoredEvent {
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly event: JournalEvent
}
