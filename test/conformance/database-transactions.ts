/** Transactions are whole, alone and refuse what would wait for itself, on every dialect. */
import { expect, test } from 'bun:test'
import type { Database } from '../../src/storage/database.ts'
import { ConflictError } from '../../src/storage/errors.ts'
import { eq, sql } from '../../src/storage/sql.ts'
import { counter, counters, gate, rejection } from './database-tables.ts'

export const transactionConformance = (database: () => Database): void => {
  test('commits everything, and answers what the work answers', async () => {
    const db = database()
    const answer = await db.transaction(async (tx) => {
      await tx.run(sql`insert into check_counter values ('commit', 1)`)
      await Bun.sleep(0)
      await tx.query.update(counters).set({ n: 2 }).where(eq(counters.name, 'commit'))
      return await counter(tx, 'commit')
    })
    expect([answer, await counter(db, 'commit')]).toEqual([2, 2])
  })

  test('a throw after an await rolls everything back', async () => {
    const db = database()
    const error = new Error('changed my mind')
    const work = db.transaction(async (tx) => {
      await tx.run(sql`insert into check_counter values ('rollback', 1)`)
      await Bun.sleep(0)
      await tx.query.insert(counters).values({ name: 'rollback 2', n: 1 })
      await Bun.sleep(0)
      throw error
    })
    expect(await rejection(work)).toBe(error)
    expect([await counter(db, 'rollback'), await counter(db, 'rollback 2')]).toEqual([
      undefined,
      undefined,
    ])
  })

  test('nobody outside sees what is not committed', async () => {
    const db = database()
    const [written, seen] = [gate(), gate()]
    const work = db.transaction(async (tx) => {
      await tx.run(sql`insert into check_counter values ('isolated', 1)`)
      written.resolve()
      await seen.promise
      return await counter(tx, 'isolated')
    })
    await written.promise
    expect(await counter(db, 'isolated')).toBeUndefined()
    const [row] = await db.query.select().from(counters).where(eq(counters.name, 'isolated'))
    expect(row).toBeUndefined()
    seen.resolve()
    expect(await work).toBe(1)
    expect(await counter(db, 'isolated')).toBe(1)
  })

  test('a write outside does not join an open transaction, and survives its rollback', async () => {
    const db = database()
    const [written, sent] = [gate(), gate()]
    const work = db.transaction(async (tx) => {
      await tx.run(sql`insert into check_counter values ('inside', 1)`)
      written.resolve()
      await sent.promise
      throw new Error('rolled back')
    })
    await written.promise
    const outside = db.query.insert(counters).values({ name: 'outside', n: 1 }).run()
    sent.resolve()
    await rejection(work)
    await outside
    expect([await counter(db, 'inside'), await counter(db, 'outside')]).toEqual([undefined, 1])
  })

  test('200 concurrent read-modify-writes under a lock lose nothing, failures undone', async () => {
    const db = database()
    await db.run(sql`insert into check_counter values ('rmw', 0)`)
    const failEvery = 4
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, (_, at) =>
        db.transaction(async (tx) => {
          await tx.lock('rmw')
          const n = (await counter(tx, 'rmw')) ?? Number.NaN
          await Promise.resolve()
          await tx.run(sql`update check_counter set n = ${n + 1} where name = 'rmw'`)
          if (at % failEvery === 0) throw new Error('undo')
        }),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(150)
    expect(await counter(db, 'rmw')).toBe(150)
  })

  test('200 concurrent increments by one statement', async () => {
    const db = database()
    await db.run(sql`insert into check_counter values ('inc', 0)`)
    const increment = () => db.run(sql`update check_counter set n = n + 1 where name = 'inc'`)
    await Promise.all(Array.from({ length: 200 }, increment))
    expect(await counter(db, 'inc')).toBe(200)
  })

  test('a failed statement dooms its transaction, also when the work goes on', async () => {
    const db = database()
    const work = db.transaction(async (tx) => {
      await tx.run(sql`insert into check_counter values ('doomed', 1)`)
      await tx.run(sql`insert into check_counter values ('doomed', 2)`).catch(() => {})
    })
    expect(await rejection(work)).toBeInstanceOf(ConflictError)
    expect(await counter(db, 'doomed')).toBeUndefined()
    await db.run(sql`insert into check_counter values ('after doom', 1)`)
    expect(await counter(db, 'after doom')).toBe(1)
  })

  test('what would wait for itself is refused, and so is a transaction that is over', async () => {
    const db = database()
    const inside = [
      () => db.transaction(async () => {}),
      () => db.run(sql`delete from check_counter where name = 'nobody'`),
    ]
    for (const act of inside) {
      const error = await rejection(db.transaction(async () => void (await act())))
      expect(String(error)).toContain('inside a transaction: use the `tx`')
    }
    const leaked = await db.transaction(async (tx) => tx)
    expect(String(await rejection(leaked.rows(sql`select 1`)))).toContain('is over')
    // Something begun inside may go on once the transaction is over.
    const later = gate()
    const detached = await db.transaction(async () => ({
      work: later.promise.then(() => db.transaction(async () => 'done')),
    }))
    later.resolve()
    expect(await detached.work).toBe('done')
  })
}
