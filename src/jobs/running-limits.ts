/** How many jobs of one user or project may run at once. */
import type { Queries } from '../storage/database.ts'
import { type SQL, sql } from '../storage/sql.ts'
import { isActive } from './rows.ts'

export interface RunningLimits {
  /** Null: as many as there are places. */
  readonly perUser: number | null
  readonly perProject: number | null
}

export type LimitedColumn = 'owner_id' | 'project_id'

export const limitsByColumn = ({ perUser, perProject }: RunningLimits) =>
  (
    [
      ['owner_id', perUser],
      ['project_id', perProject],
    ] as const
  ).flatMap(([column, max]) => (max === null ? [] : [{ column, max }]))

/** How many hold a place now, by user or project. */
export const runningBy = async (
  q: Queries,
  column: LimitedColumn,
): Promise<ReadonlyMap<number, number>> => {
  const name = sql.raw(column)
  const rows = await q.rows<{ id: number; n: number }>(sql`
    select ${name} as id, count(*) as n from jobs_job
    where ${isActive} and ${name} is not null group by ${name}`)
  return new Map(rows.map(({ id, n }) => [id, n]))
}

/** Conditions that leave out the jobs of whoever is at a limit already. */
export const excludeFull = async (q: Queries, limits: RunningLimits): Promise<SQL[]> => {
  const conditions: SQL[] = []
  for (const { column, max } of limitsByColumn(limits)) {
    const full = [...(await runningBy(q, column))].flatMap(([id, n]) => (n >= max ? [id] : []))
    if (full.length === 0) continue
    const ids = full.map((id) => sql`${id}`)
    const name = sql.raw(column)
    conditions.push(sql`(${name} is null or ${name} not in (${sql.join(ids, sql`, `)}))`)
  }
  return conditions
}
