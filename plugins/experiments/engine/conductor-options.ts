/** What conducting one experiment takes, and how it can be left. */
import type { Clock, Who } from '../../../src/sdk.ts'
import type { StepExecutor } from '../execution/executor.ts'
import type { Experiment } from '../experiment.ts'
import type { JournalEvent } from '../journal/events.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node, Run, Verdict } from '../journal/node.ts'
import type { Decide } from '../journal/store.ts'
import type { ProposeContext, Proposer } from '../propose/proposer.ts'
import type { Action, Random } from '../search/policy.ts'
import type { Groundwork } from './groundwork.ts'

export interface ConductorOptions {
  readonly experiment: Experiment
  readonly owner: Who
  readonly groundwork: Groundwork
  readonly proposer: Proposer
  readonly executor: StepExecutor
  readonly clock: Clock
  /** Cancels what runs; the conductor ends when nothing does any more. */
  readonly stop: AbortSignal
  /** Leaves everything as it is: jobs go on, another conductor takes them up. */
  readonly leave: AbortSignal
  /** Which node to work on, for the k-th decision, seeing what is being written too. */
  decide(journal: Journal, elapsedShare: number, random: Random): Action
  /** Draws of the k-th decision: the same after a restart. */
  randomOf(decision: number): Random
  /** Others add to the journal too: what follows from it is decided while nobody can. */
  append(decide: Decide): Promise<Journal>
  judge(node: Node, run: Run, context: ProposeContext, maximize: boolean | null): Promise<Judged>
  /** Chooses what is delivered. */
  finish(end: End): Promise<readonly JournalEvent[]>
  /** Why it has to end before all its steps, if so: a budget is used up. */
  spent(journal: Journal): Promise<string | null>
}

/** The search is over, and a choice is to be made. */
export interface End {
  readonly journal: Journal
  /** A budget ended it: nothing that costs any of them is done any more. */
  readonly isSpent: boolean
  /** Cancels what runs: the experiment is stopped, or has failed. */
  readonly stop: AbortSignal
  /** For whoever reports. */
  readonly context: ProposeContext
  /** null: as long as it takes. */
  secondsLeft(): number | null
}

export interface Judged {
  readonly verdict: Verdict
  /** What the first review said about it. */
  readonly lowerIsBetter: boolean | null
}

/** How the loop was left. `ended`: another hand wrote the end into the journal. */
export type Ending = 'completed' | 'stopped' | 'ended' | 'detached'
