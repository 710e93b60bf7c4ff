/** Opens a point store on a database of its own, and seals it on demand. */
import { openPointStore } from '../../../../plugins/tracking/points/open.ts'
import { pointMigrations } from '../../../../plugins/tracking/points/migrations.ts'
import type { PointStore } from '../../../../plugins/tracking/points/store.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { sql } from '../../../../src/storage/sql.ts'
import { type FakeClock, fakeClock } from '../../../../src/testing.ts'
import { createPostgres } from '../../../storage/postgres-server.ts'

export interface StoreUnderTest {
  readonly db: Database
  readonly clock: FakeClock
  readonly store: PointStore
  /** A second store on the same database: another server, or this one after a restart. */
  another(): Promise<PointStore>
  /** Puts all open points into chunks, as it happens by itself when runs go quiet. */
  seal(): Promise<void>
  rowCount(table: string): Promise<number>
  /** What plain SQL sees of a run's series. */
  searchable(runId: number): Promise<unknown[]>
  close(): Promise<void>
}

const over = async (db: Database, drop: () => Promise<void>): Promise<StoreUnderTest> => {
  await migrate(db, [{ plugin: 'tracking', migrations: pointMigrations }])
  const clock = fakeClock()
  const stores: PointStore[] = []
  const another = async (): Promise<PointStore> => {
    const store = await openPointStore({ db, clock, log: silentLogger })
    stores.push(store)
    return store
  }
  const rowCount = async (table: string): Promise<number> => {
    const name = sql.identifier(table)
    const [row] = await db.rows<{ n: number }>(sql`select count(*) as n from ${name}`)
    return row?.n ?? 0
  }
  return {
    db,
    clock,
    store: await another(),
    another,
    rowCount,
    searchable: (runId) =>
      db.rows(sql`
        select name, last_value, last_step, min_value, max_value, count from tracking_series
        where run_id = ${runId} order by name`),
    async seal() {
      while ((await rowCount('tracking_batch')) > 0) {
        clock.advance(15_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    async close() {
      for (const store of stores) await store.close()
      await db.close()
      await drop()
    },
  }
}

export const dialects: Record<'sqlite' | 'postgres', () => Promise<StoreUnderTest>> = {
  sqlite: async () => over(await openDatabase({ dataDir: ':memory:' }), async () => {}),
  postgres: async () => {
    const { url, drop } = await createPostgres()
    return over(await openDatabase({ dataDir: ':memory:', databaseUrl: url }), drop)
  },
}
