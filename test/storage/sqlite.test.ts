/** SQLite keeps the promises of the database interface. */
import { databaseConformance } from '../conformance/database.ts'
import { openDatabase } from '../../src/storage/open.ts'

databaseConformance('sqlite', async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  return { db, close: () => db.close() }
})
