/** The interface of a search policy: which node to work on next. Pure, so it can be replayed. */
import type { Journal } from '../journal/journal.ts'

export type Action =
  | { readonly kind: 'draft' }
  | { readonly kind: 'improve'; readonly parent: string }
  | { readonly kind: 'debug'; readonly parent: string }
  | { readonly kind: 'fuse'; readonly parents: readonly [string, string] }

/** Draws from [0, 1). */
export type Random = () => number

export interface SearchSettings {
  readonly numDrafts: number
  readonly debugProb: number
  readonly maxDebugDepth: number
}

export interface SearchState {
  /** Holds nodes in flight too; they have no verdict yet. */
  readonly journal: Journal
  readonly settings: SearchSettings
  /** Of the time or the steps there are, whichever is further: 0 to 1. */
  readonly elapsedShare: number
}

export interface Policy {
  readonly name: string
  /** Never null: there is always something to draft. */
  next(state: SearchState, random: Random): Action
}
