/** Authentication on the embedded database. */
import { openDatabase } from '../../src/storage/open.ts'
import { authConformance } from './conformance.ts'

authConformance('SQLite', async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  return { db, close: () => db.close() }
})
