/** The interface of whoever writes programs: a language model, or the built-in ladder. */
import type { DataPreview } from '../data/preview.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node, Run } from '../journal/node.ts'
import type { Task } from '../scoring/task.ts'
import type { Action, Random } from '../search/policy.ts'

/** Who wrote what the ladder wrote. */
export const builtInAuthor = 'built-in'

/** What a proposer knows. Nothing in it tells of rows that a program may not see. */
export interface ProposeContext {
  readonly experimentId: string
  readonly goal: string
  readonly evaluation: string | null
  /** Present when the server owns the score. */
  readonly task: Task | null
  readonly preview: DataPreview | null
  readonly journal: Journal
  readonly timeoutS: number
  readonly kFold: number
  readonly exposePrediction: boolean
  readonly stepsLeft: number
  readonly secondsLeft: number | null
  /** Modules that programs can import: name and version. */
  readonly packages: Readonly<Record<string, string>>
  /** The step this proposal is for: model calls are filed under it. */
  readonly step: number
  readonly random: Random
  readonly signal: AbortSignal
}

export interface Proposal {
  readonly plan: string
  /** Empty when no program could be had; `problem` says why. */
  readonly code: string
  readonly problem?: string
  /** A model's name, or `built-in`. */
  readonly author: string
  /** Ids of the calls in the ledger. */
  readonly calls: readonly string[]
}

/** What reading a program's output came to. */
export interface Review {
  readonly isBug: boolean
  readonly summary: string
  readonly metric: number | null
  readonly lowerIsBetter: boolean | null
  readonly calls: readonly string[]
  /** The reviewer could not be asked, or its answer not be read. */
  readonly problem?: string
}

export interface Proposer {
  readonly name: string
  /** @throws BudgetError, ModelError: the experiment ends with it, or pauses */
  propose(action: Action, context: ProposeContext): Promise<Proposal>
  /** Called when the program ended by itself; the server's score, if any, comes on top. */
  review(node: Node, run: Run, context: ProposeContext): Promise<Review>
  /** Markdown; null: this proposer writes none, and a factual one is made. */
  report?(context: ProposeContext, best: Node | null): Promise<string | null>
}
