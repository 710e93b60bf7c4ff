/** What every dialect must do alike: one suite, run on SQLite and on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as column from '../../src/storage/columns.ts'
import type { Database } from '../../src/storage/database.ts'
import { ConflictError } from '../../src/storage/errors.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { and, count, desc, eq, inArray, sql } from '../../src/storage/sql.ts'

const values = column.table('check_value', {
  id: column.id(),
  name: column.text().notNull(),
  whole: column.int(),
  large: column.big(),
  exact: column.real(),
  isOn: column.bool(),
  body: column.json<unknown>(),
  bytes: column.blob(),
  madeAt: column.time(),
})

const counters = column.table('check_counter', {
  name: column.text().primaryKey(),
  n: column.int().notNull(),
})

const pairs = column.table('check_pair', { a: column.int(), b: column.int() })

const migration = {
  name: '0001_check',
  up: (w: import('../../src/storage/migrate.ts').MigrationWords) => `
    create table check_value (id ${w.id}, name text not null, whole integer, large ${w.big},
      exact ${w.real}, is_on ${w.bool}, body ${w.json}, bytes ${w.blob}, made_at ${w.big});
    create table check_counter (name text primary key, n integer not null);
    create table check_pair (a integer, b integer, constraint check_pair_unique unique (a, b));
    create table check_child (id ${w.id},
      counter text not null references check_counter (name) on delete cascade);`,
}

const rejection = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable('should have failed'),
    (error: unknown) => error,
  )

const counter = async (db: Pick<Database, 'rows'>, name: string): Promise<number | undefined> => {
  const [row] = await db.rows<{ n: number }>(sql`select n from check_counter where name = ${name}`)
  return row?.n
}

/** A promise and its key, to hold one transaction at a point while another is looked at. */
const gate = () => Promise.withResolvers<void>()

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

    const types = () => typesConformance(() => db)
    const writes = () => transactionConformance(() => db)
    describe('types', types)
    describe('transactions', writes)
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

const typesConformance = (database: () => Database): void => {
  test('every type comes back as it went in, through the builder', async () => {
    const { query } = database()
    const row = {
      name: "it's 🔥 \\ % ?",
      whole: -2147483648,
      large: Number.MAX_SAFE_INTEGER,
      exact: 0.1,
      isOn: true,
      body: { b: [1, null, 'x'], a: { nested: false } },
      bytes: Uint8Array.of(0, 255, 39, 92),
      madeAt: 1_795_000_000_123,
    }
    const [inserted] = await query.insert(values).values(row).returning()
    const id = inserted?.id ?? 0
    expect(id).toBeGreaterThan(0)
    expect(inserted).toEqual({ id, ...row })
    expect(await query.select().from(values).where(eq(values.id, id))).toEqual([{ id, ...row }])
    expect(await query.select().from(values).where(eq(values.id, id)).get()).toEqual({ id, ...row })
  })

  test('what is left out is null, and a missing row is undefined', async () => {
    const { query } = database()
    const [row] = await query.insert(values).values({ name: 'bare' }).returning()
    expect(row).toEqual({
      id: row?.id ?? 0,
      name: 'bare',
      whole: null,
      large: null,
      exact: null,
      isOn: null,
      body: null,
      bytes: null,
      madeAt: null,
    })
    expect(await query.select().from(values).where(eq(values.name, 'nobody')).get()).toBeUndefined()
  })

  test('statements of one text give the same rows', async () => {
    const db = database()
    await db.run(
      sql`insert into check_value (name, large, exact, is_on, body, bytes)
        values ('raw', ${2 ** 53 - 1}, ${1e-300}, ${false}, ${'{"b":1,"a":2}'}, ${Uint8Array.of(7)})`,
    )
    expect(
      await db.rows(sql`select name, large, exact, is_on, body, bytes, whole,
        body ->> 'a' as inside, large > 5 as compared, (select count(*) from check_value
        where name = 'raw') as counted, (select sum(large) from check_value where name = 'raw') as
        summed from check_value where name = 'raw'`),
    ).toEqual([
      {
        name: 'raw',
        large: 2 ** 53 - 1,
        exact: 1e-300,
        is_on: 0,
        body: '{"b":1,"a":2}',
        bytes: Uint8Array.of(7),
        whole: null,
        inside: database().dialect === 'sqlite' ? 2 : '2',
        compared: 1,
        counted: 1,
        summed: 2 ** 53 - 1,
      },
    ])
  })

  test('floats keep every bit, and the infinities; NaN where the dialect can', async () => {
    const db = database()
    const numbers = [Infinity, -Infinity, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, -1e21]
    for (const exact of [...numbers, Number.NaN]) {
      await db.query.insert(values).values({ name: 'float', exact })
    }
    const rows = await db.query
      .select({ exact: values.exact })
      .from(values)
      .where(eq(values.name, 'float'))
      .orderBy(values.id)
    const last = db.dialect === 'postgres' ? Number.NaN : null
    expect(rows.map(({ exact }) => exact)).toEqual([...numbers, last])
  })

  test('blobs of many sizes', async () => {
    const { query } = database()
    for (const size of [0, 1, 4096, 1_000_003]) {
      const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31) % 256)
      const [row] = await query.insert(values).values({ name: 'blob', bytes }).returning()
      expect(row?.bytes?.constructor.name).toBe('Uint8Array')
      expect(Bun.hash(row?.bytes ?? '')).toBe(Bun.hash(bytes))
      expect(row?.bytes?.length).toBe(size)
    }
  })

  test('joins, lists, counts, updates and deletes of the builder', async () => {
    const { query } = database()
    const names = ['one', 'two', 'three']
    await query.insert(counters).values(names.map((name, n) => ({ name, n })))
    await query.insert(values).values(names.map((name) => ({ name, whole: name.length })))
    const joined = await query
      .select({ name: counters.name, n: counters.n, whole: values.whole })
      .from(counters)
      .innerJoin(values, and(eq(values.name, counters.name), inArray(values.name, names)))
      .orderBy(desc(counters.n))
      .limit(2)
      .offset(1)
    expect(joined).toEqual([
      { name: 'two', n: 1, whole: 3 },
      { name: 'one', n: 0, whole: 3 },
    ])
    expect(await query.select({ total: count() }).from(counters)).toEqual([{ total: 3 }])
    expect(await query.$count(counters, eq(counters.n, 2))).toBe(1)
    const upsert = query.insert(counters).values({ name: 'one', n: 9 })
    await upsert.onConflictDoUpdate({ target: counters.name, set: { n: sql`excluded.n + 1` } })
    await query.update(counters).set({ n: 5 }).where(eq(counters.name, 'two'))
    await query.delete(counters).where(eq(counters.name, 'three'))
    expect(await query.select().from(counters).orderBy(counters.name)).toEqual([
      { name: 'one', n: 10 },
      { name: 'two', n: 5 },
    ])
  })

  test('upserts on a pair, self-joins, unions and inserts from a select', async () => {
    const { query } = database()
    const pair = (a: number, b: number) => query.insert(pairs).values({ a, b })
    await pair(1, 1).onConflictDoNothing()
    await pair(1, 1).onConflictDoNothing()
    await pair(1, 1).onConflictDoNothing({ target: [pairs.a, pairs.b] })
    const set = { b: sql`${pairs.b} + 1` }
    await pair(1, 1).onConflictDoUpdate({ target: [pairs.a, pairs.b], set })
    await query.insert(pairs).select(query.select({ a: pairs.b, b: sql`9`.as('b') }).from(pairs))
    const other = column.alias(pairs, 'other')
    const joined = query
      .select({ a: pairs.a, b: other.b })
      .from(pairs)
      .innerJoin(other, eq(other.a, pairs.b))
    const all = query.select({ a: pairs.a, b: pairs.b }).from(pairs)
    expect(await joined.union(all).orderBy(sql`1`, sql`2`)).toEqual([
      { a: 1, b: 2 },
      { a: 1, b: 9 },
      { a: 2, b: 9 },
    ])
    await query.delete(pairs)
  })

  test('run answers how many rows it changed', async () => {
    const db = database()
    await db.run(sql`insert into check_counter values ('r1', 1), ('r2', 1), ('r3', 2)`)
    const changed = [
      await db.run(sql`update check_counter set n = 7 where name in ('r1', 'r2')`),
      await db.run(sql`update check_counter set n = 7 where name = 'nobody'`),
      await db.run(sql`delete from check_counter where name like 'r%'`),
    ]
    expect(changed).toEqual([2, 0, 3])
  })
}

const transactionConformance = (database: () => Database): void => {
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
