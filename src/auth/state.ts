/** One row that every change of users and keys goes through: it lines them up and counts them. */
import type { Queries } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'

/**
 * Takes the row's lock for the rest of the transaction, so that changes happen one after the
 * other on every server, and tells all servers that what they remember may be out of date.
 */
export const countChange = async (tx: Queries): Promise<void> => {
  await tx.run(sql`UPDATE auth_state SET version = version + 1 WHERE id = 1`)
}

export const changesSoFar = async (db: Queries): Promise<number> => {
  const [row] = await db.rows<{ version: number }>(sql`SELECT version FROM auth_state WHERE id = 1`)
  return Number(row?.version ?? 0)
}
