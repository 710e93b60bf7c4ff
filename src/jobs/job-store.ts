/** Reads and writes jobs within a transaction, many with one statement. */
import type { Transaction } from '../storage/database.ts'
import { UnavailableError } from '../storage/errors.ts'
import { sql } from '../storage/sql.ts'
import { gather } from './gather.ts'
import { among, jsonTable } from './json-rows.ts'
import { forUpdate, type Job, jobsWhere } from './rows.ts'

export interface JobStore {
  /** The job as it is now, held until the transaction ends. */
  read(id: string): Promise<Job | null>
  /**
   * Writes what can change of a job; answers it with its new version.
   * @throws UnavailableError when somebody changed it since it was read
   */
  write(before: Job, after: Job): Promise<Job>
}

/** What is asked for in the same moment is asked together. */
export const createJobStore = (tx: Transaction): JobStore => {
  const reads = gather((ids: readonly string[]) => readAll(tx, ids))
  const writes = gather((jobs: readonly Written[]) => writeAll(tx, jobs))
  return {
    read: async (id) => (await reads(id)).get(id) ?? null,
    async write(before, after) {
      const job = { ...after, version: before.version + 1 }
      await writes({ job, known: before.version })
      return job
    },
  }
}

interface Written {
  readonly job: Job
  /** The version that must still be there. */
  readonly known: number
}

const readAll = async (tx: Transaction, ids: readonly string[]) => {
  const jobs = await jobsWhere(tx, sql`${among(tx, sql`id`, ids)} order by id ${forUpdate(tx)}`)
  return new Map(jobs.map((job) => [job.id, job]))
}

const textOf = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

/** Columns that change; numbers would arrive as text on PostgreSQL. */
const columns = {
  state: 'text',
  desired: 'text',
  attempt: 'bigint',
  retries_left: 'bigint',
  version: 'bigint',
  waiting_for: 'bigint',
  ready_at: 'bigint',
  node_id: 'text',
  gpus: 'text',
  phase: 'text',
  detail: 'text',
  queued_at: 'bigint',
  started_at: 'bigint',
  ended_at: 'bigint',
  outcome: 'text',
  error: 'text',
  overdue: 'bigint',
} as const

const valuesOf = (job: Job): Record<keyof typeof columns, string | number | null> => ({
  state: job.state,
  desired: job.desired,
  attempt: job.attempt,
  retries_left: job.retriesLeft,
  version: job.version,
  waiting_for: job.waitingFor,
  ready_at: job.readyAt,
  node_id: job.nodeId,
  gpus: textOf(job.gpus.length > 0 ? job.gpus : null),
  phase: job.phase,
  detail: job.detail,
  queued_at: job.queuedAt,
  started_at: job.startedAt,
  ended_at: job.endedAt,
  outcome: textOf(job.outcome),
  error: textOf(job.error),
  overdue: job.overdue ? 1 : 0,
})

const given = { id: 'text', known: 'bigint', ...columns } as const

const assignments = sql.raw(
  Object.keys(columns)
    .map((name) => `${name} = given.${name}`)
    .join(', '),
)

const writeAll = async (tx: Transaction, written: readonly Written[]): Promise<void> => {
  const rows = written.map(({ job, known }) => ({ id: job.id, known, ...valuesOf(job) }))
  const count = await tx.run(sql`
    update jobs_job set told = 0, ${assignments}
    from ${jsonTable(tx, 'given', given, rows)}
    where jobs_job.id = given.id and jobs_job.version = given.known`)
  if (count < written.length) throw new UnavailableError('A job was changed at the same time')
}
