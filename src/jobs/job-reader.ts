/** Reads single jobs outside of transactions: requests that come together share one statement. */
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { gather, turnOver } from './gather.ts'
import { among } from './json-rows.ts'
import { type Job, jobsWhere } from './rows.ts'

export type JobReader = (id: string) => Promise<Job | null>

export const createJobReader = (db: Database): JobReader => {
  const read = gather(async (ids: readonly string[]) => {
    const jobs = await jobsWhere(db, among(db, sql`id`, [...new Set(ids)]))
    return new Map(jobs.map((job) => [job.id, job]))
  }, turnOver)
  return async (id) => (await read(id)).get(id) ?? null
}
