/** Authentication on a real PostgreSQL server. */
import { openDatabase } from '../../src/storage/open.ts'
import { createPostgres } from '../storage/postgres-server.ts'
import { authConformance } from './conformance.ts'

authConformance('PostgreSQL', async () => {
  const { url, drop } = await createPostgres()
  const db = await openDatabase({ dataDir: ':memory:', databaseUrl: url })
  return {
    db,
    async close() {
      await db.close()
      await drop()
    },
  }
})
