/** What the routes work with: one object instead of a dozen parameters. */
import type { Blobs, Clock, Who } from '../../src/sdk.ts'
import type { Engine } from './engine/engine.ts'
import type { Experiment } from './experiment.ts'
import type { Experiments } from './experiments.ts'
import type { Files } from './files/files.ts'
import type { JournalStore } from './journal/store.ts'
import type { LedgerEntry } from './ledger-entry.ts'

export interface Desk {
  readonly experiments: Experiments
  readonly store: JournalStore
  readonly engine: Engine
  readonly files: Files
  readonly blobs: Blobs
  readonly clock: Clock
  /** Calls to models, in order. */
  calls(experimentId: string): Promise<readonly LedgerEntry[]>
  /** The tree as a page. */
  treeOf(experiment: Experiment): Promise<string>
  /** Deletes the jobs of its steps, and what they left. */
  removeJobs(experimentId: string): Promise<void>
  /** What programs of the experiment can import. */
  packages(who: Who, experiment: Experiment): Promise<Readonly<Record<string, string>>>
}
