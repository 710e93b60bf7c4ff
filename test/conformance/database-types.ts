/** Values and statements mean the same on every dialect. */
import { expect, test } from 'bun:test'
import { alias } from '../../src/storage/columns.ts'
import type { Database } from '../../src/storage/database.ts'
import { and, count, desc, eq, inArray, sql } from '../../src/storage/sql.ts'
import { counters, pairs, values } from './database-tables.ts'

export const typesConformance = (database: () => Database): void => {
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
    const json = '{"b":1,"a":2}'
    await db.run(
      sql`insert into check_value (name, large, exact, is_on, body, bytes)
        values ('raw', ${2 ** 53 - 1}, ${1e-300}, ${false}, ${json}, ${Uint8Array.of(7)})`,
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
    const other = alias(pairs, 'other')
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
