/** What the engine reads back of the streams of jobs, and drops with them. */
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { type Artifacts, forgetArtifacts } from './artifacts.ts'
import type { ByteStore } from './attempt-log.ts'
import { exceptionIn, tailBytes } from './attempt-log-error.ts'
import type { Events } from './events-apply.ts'
import { progressOf, readProgressOf } from './events-read.ts'
import type { Progress, Streams } from './streams.ts'

export interface StoredFactsOptions {
  readonly db: Database
  readonly store: ByteStore
  readonly clock: Clock
  readonly events: Events
  readonly artifacts: Artifacts
}

export const storedFacts = ({
  db,
  store,
  clock,
  artifacts,
}: StoredFactsOptions): Pick<
  Streams,
  'exceptionOf' | 'sawCheckpoint' | 'lastCheckpoint' | 'progressOf' | 'runIdOf' | 'forget'
> => ({
  async exceptionOf(jobId, attempt) {
    const key = { jobId, attempt, stream: 'log' } as const
    const size = await store.size(key)
    const pieces: Uint8Array[] = []
    for await (const piece of store.read(key, Math.max(0, size - tailBytes), size)) {
      pieces.push(piece)
    }
    return exceptionIn(new TextDecoder().decode(Buffer.concat(pieces)))
  },
  async sawCheckpoint(jobId, attempt) {
    const rows = await db.rows(sql`
      select 1 from jobs_events
      where job_id = ${jobId} and attempt = ${attempt} and checkpoint is not null`)
    return rows.length > 0
  },
  async lastCheckpoint(jobId) {
    const found = await artifacts.lastCheckpoint(jobId)
    return found && { path: found.path, sha256: found.sha256, sizeBytes: found.size }
  },
  async progressOf(jobIds) {
    const now = clock.now()
    const found = new Map<string, Progress>()
    for (const row of await readProgressOf(db, jobIds)) {
      const progress = progressOf(row, now)
      if (progress) found.set(row.job_id, progress)
    }
    return found
  },
  async runIdOf(jobIds) {
    const found = new Map<string, string>()
    for (const { job_id, run_id } of await readProgressOf(db, jobIds)) {
      if (run_id !== null) found.set(job_id, run_id)
    }
    return found
  },
  async forget(tx, jobId) {
    await forgetArtifacts(tx, jobId)
    for (const table of ['jobs_events', 'jobs_progress', 'jobs_metric']) {
      await tx.run(sql`delete from ${sql.identifier(table)} where job_id = ${jobId}`)
    }
  },
})
