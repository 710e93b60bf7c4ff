/** Writes many rows in few statements of few distinct texts, which the database keeps prepared. */
import { type Queries, type SQL, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'

const GROUP_SIZES = [64, 16, 4, 1]

/** Runs `statement` over all rows, given as the text of `values (...), (...)`. */
export const writeRows = async (
  q: Queries,
  rows: readonly SQL[],
  statement: (values: SQL) => SQL,
): Promise<void> => {
  let at = 0
  for (const size of GROUP_SIZES) {
    while (rows.length - at >= size) {
      await q.run(statement(sql.join(rows.slice(at, at + size), sql`, `)))
      at += size
      if (at < rows.length) await breathe()
    }
  }
}
