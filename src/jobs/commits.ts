/** Joins what arrives at the same time into one transaction: one flush of the disk for many. */
import type { Database, Transaction } from '../storage/database.ts'
import { ConflictError, UnavailableError } from '../storage/errors.ts'
import { sql } from '../storage/sql.ts'
import type { JobState } from './job.ts'
import { turnOver } from './gather.ts'
import { createJobStore, type JobStore } from './job-store.ts'
import { jsonTable } from './json-rows.ts'
import type { Outcome } from './outcome.ts'
import type { Job } from './rows.ts'

export interface HistoryEntry {
  readonly jobId: string
  readonly at: number
  readonly attempt: number
  readonly from: JobState | null
  readonly to: JobState
  readonly event: string
  /** `user:3`, `node:n...`, `server`. */
  readonly actor: string
  readonly why: string | null
  readonly nodeId: string | null
  readonly outcome: Outcome | null
}

export interface JobChange {
  /** Null for a job that is new. */
  readonly before: Job | null
  readonly after: Job
}

/** A transaction, and what is to be told of it. */
export interface Work {
  readonly tx: Transaction
  readonly jobs: JobStore
  readonly history: HistoryEntry[]
  /** Told once it is on disk. */
  readonly changes: JobChange[]
}

export interface Commits {
  /**
   * Runs `run` in a transaction, perhaps together with others; work of one `key` never overlaps.
   * It may be run again from the start, so it must not act outside of the transaction.
   */
  commit<T>(key: string, run: (work: Work) => Promise<T>): Promise<T>
  /** Waits for what has begun. */
  idle(): Promise<void>
}

interface Entry {
  readonly key: string
  readonly run: (work: Work) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

const maxGroup = 256
const maxTries = 4

export const createCommits = (
  db: Database,
  committed: (changes: readonly JobChange[]) => void,
): Commits => {
  let queue: Entry[] = []
  let running: Promise<void> | undefined

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      // A commit may block the process: whatever has arrived by now is to be part of it.
      await turnOver()
      const group = queue.slice(0, maxGroup)
      queue = queue.slice(maxGroup)
      if (!(await together(group))) for (const entry of group) await alone(entry)
    }
    running = undefined
  }

  /** False when one of them failed: nothing of any is stored then. */
  const together = async (group: readonly Entry[]): Promise<boolean> => {
    try {
      const { results, changes } = await transact(db, group)
      committed(changes)
      group.forEach((entry, at) => entry.resolve(results[at]))
      return true
    } catch (error) {
      if (group.length > 1 || mayPass(error)) return false
      group[0]?.reject(error)
      return true
    }
  }

  const alone = async (entry: Entry): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        const { results, changes } = await transact(db, [entry])
        committed(changes)
        return entry.resolve(results[0])
      } catch (error) {
        if (tries === maxTries || !mayPass(error)) return entry.reject(error)
      }
    }
  }

  return {
    commit: <T>(key: string, run: (work: Work) => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        queue.push({ key, run, resolve: resolve as Entry['resolve'], reject })
        running ??= drain()
      }),
    idle: async () => {
      await running
    },
  }
}

/** Another transaction was in the way. */
const mayPass = (error: unknown): boolean =>
  error instanceof ConflictError || error instanceof UnavailableError

const transact = async (db: Database, group: readonly Entry[]) =>
  db.transaction(async (tx) => {
    const history: HistoryEntry[] = []
    const changes: JobChange[] = []
    const work: Work = { tx, jobs: createJobStore(tx), history, changes }
    const lines = new Map<string, Promise<unknown>>()
    // Different keys run side by side, which PostgreSQL answers without a round trip for each.
    const results = group.map(({ key, run }) => {
      const before = lines.get(key) ?? Promise.resolve()
      const result = before.then(() => run(work))
      lines.set(key, result)
      return result
    })
    const settled = await Promise.allSettled(results)
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
    await writeHistory(tx, history)
    return { results: settled.map((one) => (one as { value: unknown }).value), changes }
  })

const historyColumns = {
  job_id: 'text',
  at: 'bigint',
  attempt: 'bigint',
  from_state: 'text',
  to_state: 'text',
  event: 'text',
  actor: 'text',
  why: 'text',
  node_id: 'text',
  outcome: 'text',
} as const
const historyNames = sql.raw(Object.keys(historyColumns).join(', '))

const writeHistory = async (tx: Transaction, entries: readonly HistoryEntry[]): Promise<void> => {
  if (entries.length === 0) return
  const rows = entries.map((one) => ({
    job_id: one.jobId,
    at: one.at,
    attempt: one.attempt,
    from_state: one.from,
    to_state: one.to,
    event: one.event,
    actor: one.actor,
    why: one.why,
    node_id: one.nodeId,
    outcome: one.outcome && JSON.stringify(one.outcome),
  }))
  await tx.run(sql`
    insert into jobs_history (${historyNames})
    select ${historyNames} from ${jsonTable(tx, 'given', historyColumns, rows)}`)
}
