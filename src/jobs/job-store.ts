/** Reads and writes jobs within a transaction, many with one statement. */
import type { Transaction } from '../storage/database.ts'
import { UnavailableError } from '../storage/errors.ts'
import { type SQL, sql } from '../storage/sql.ts'
import { among, forUpdate, type Job, jobsWhere } from './rows.ts'

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

const maxAtOnce = 200

/** Collects arguments until the current turn is over, then runs once for all of them. */
const gather = <A, R>(run: (all: readonly A[]) => Promise<R>): ((one: A) => Promise<R>) => {
  let open: { all: A[]; result: Promise<R> } | undefined
  return (one) => {
    if (!open || open.all.length === maxAtOnce) {
      const all: A[] = []
      const result = Promise.resolve().then(() => {
        if (open?.all === all) open = undefined
        return run(all)
      })
      open = { all, result }
    }
    open.all.push(one)
    return open.result
  }
}

const readAll = async (tx: Transaction, ids: readonly string[]) => {
  const jobs = await jobsWhere(tx, sql`${among(sql`id`, ids)} order by id ${forUpdate(tx)}`)
  return new Map(jobs.map((job) => [job.id, job]))
}

const textOf = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

/** Columns that change, in the order of `valuesOf`; numbers arrive as text on PostgreSQL. */
const columns = [
  ['state'],
  ['desired'],
  ['attempt', 'bigint'],
  ['retries_left', 'bigint'],
  ['version', 'bigint'],
  ['waiting_for', 'bigint'],
  ['ready_at', 'bigint'],
  ['node_id'],
  ['gpus'],
  ['phase'],
  ['detail'],
  ['queued_at', 'bigint'],
  ['started_at', 'bigint'],
  ['ended_at', 'bigint'],
  ['outcome'],
  ['error'],
  ['overdue', 'bigint'],
] as const

const valuesOf = (job: Job) => [
  job.state,
  job.desired,
  job.attempt,
  job.retriesLeft,
  job.version,
  job.waitingFor,
  job.readyAt,
  job.nodeId,
  textOf(job.gpus.length > 0 ? job.gpus : null),
  job.phase,
  job.detail,
  job.queuedAt,
  job.startedAt,
  job.endedAt,
  textOf(job.outcome),
  textOf(job.error),
  job.overdue ? 1 : 0,
]

const given = (column: number, type?: string): SQL => {
  const name = sql.raw(`given.column${column}`)
  return type === undefined ? name : sql`cast(${name} as ${sql.raw(type)})`
}

const assignments = sql.join(
  columns.map(([name, type], at) => sql`${sql.raw(name)} = ${given(at + 3, type)}`),
  sql`, `,
)

const writeAll = async (tx: Transaction, written: readonly Written[]): Promise<void> => {
  const rows = written.map(({ job, known }) => {
    const values = [job.id, known, ...valuesOf(job)].map((value) => sql`${value}`)
    return sql`(${sql.join(values, sql`, `)})`
  })
  const count = await tx.run(sql`
    update jobs_job set told = 0, ${assignments}
    from (values ${sql.join(rows, sql`, `)}) as given
    where jobs_job.id = given.column1 and jobs_job.version = ${given(2, 'bigint')}`)
  if (count < written.length) throw new UnavailableError('A job was changed at the same time')
}
