/** A database whose every call goes through the test's hands. */
import type { Database } from '../../../../src/sdk.ts'

export type Kind = 'statement' | 'transaction'

export const around = (
  db: Database,
  call: <T>(work: () => Promise<T>, kind: Kind) => Promise<T>,
): Database => ({
  dialect: db.dialect,
  query: db.query,
  rows: (statement) => call(() => db.rows(statement), 'statement'),
  run: (statement) => call(() => db.run(statement), 'statement'),
  transaction: (work) => call(() => db.transaction(work), 'transaction'),
  close: () => db.close(),
})
