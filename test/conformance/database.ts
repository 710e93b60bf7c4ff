/** What every dialect must do alike: one suite, run on SQLite and on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Database } from '../../src/storage/database.ts'
import { ConflictError } from '../../src/storage/errors.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { eq, sql } from '../../src/storage/sql.ts'
import { counters, gate, migration, rejection, values } from './database-tables.ts'
import { transactionConformance } from './database-transactions.ts'
import { typesConformance } from './database-types.ts'

export const databaseConformance = (
  dialect: string,
  open: () => Promise<{ db: Database; close(): Promise<void> }>,
): void => {
  describe(`database on ${dialect}`, () => {
    let db: Database
    let close: () => Promise<void>

    beforeAll(async () => {
      ;({ db, close } = await open())
      await migrate(db, [{ plugin: 'check', migrations: [migration] }])
    })
    afterAll(() => close?.())

    describe('types', () => typesConformance(() => db))
    describe('transactions', () => transactionConformance(() => db))
    describe('constraints', () => constraintConformance(() => db))

    test('close waits for the transactions that have begun', async () => {
      const { db: other, close: closeOther } = await open()
      await migrate(other, [{ plugin: 'check', migrations: [migration] }])
      const [begun, go] = [gate(), gate()]
      const results: unknown[] = []
      const work = other.transaction(async (tx) => {
        begun.resolve()
        await go.promise
        results.push(await tx.run(sql`insert into check_counter values ('late', 1)`))
      })
      await begun.promise
      const closed = closeOther().then(() => results.push('closed'))
      go.resolve()
      await Promise.all([work, closed])
      expect(results).toEqual([1, 'closed'])
    })
  })
}

const constraintConformance = (database: () => Database): void => {
  const conflict = async (work: Promise<unknown>) => {
    const error = await rejection(work)
    expect(error).toBeInstanceOf(ConflictError)
    const { kind, columns } = error as ConflictError
    return { kind, columns }
  }

  test('a unique constraint names its columns, from a statement and from the builder', async () => {
    const db = database()
    const pair = sql`insert into check_pair values (1, 2)`
    await db.run(pair)
    expect(await conflict(db.run(pair))).toEqual({ kind: 'unique', columns: ['a', 'b'] })
    await db.query.insert(counters).values({ name: 'same', n: 1 })
    const again = db.query.insert(counters).values({ name: 'same', n: 1 }).run()
    expect(await conflict(again)).toEqual({ kind: 'unique', columns: ['name'] })
  })

  test('a foreign key is kept, and cascades', async () => {
    const db = database()
    const orphan = db.run(sql`insert into check_child (counter) values ('nobody')`)
    expect(await conflict(orphan)).toMatchObject({ kind: 'foreign_key' })
    await db.run(sql`insert into check_counter values ('parent', 1)`)
    await db.run(sql`insert into check_child (counter) values ('parent')`)
    await db.run(sql`delete from check_counter where name = 'parent'`)
    expect(await db.rows(sql`select * from check_child`)).toEqual([])
  })

  test('ids are never given twice, also after the last row is gone', async () => {
    const { query } = database()
    const insert = () => query.insert(values).values({ name: 'id' }).returning({ id: values.id })
    const [first] = await insert()
    await query.delete(values).where(eq(values.id, first?.id ?? 0))
    const [second] = await insert()
    expect(second?.id ?? 0).toBeGreaterThan(first?.id ?? Infinity)
  })
}
