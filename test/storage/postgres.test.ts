/** PostgreSQL keeps the promises of the database interface. */
import { databaseConformance } from '../conformance/database.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { createPostgres } from './postgres-server.ts'

databaseConformance('postgres', async () => {
  const { url, drop } = await createPostgres()
  const db = await openDatabase({ dataDir: ':memory:', databaseUrl: url })
  return { db, close: () => db.close().then(drop) }
})
