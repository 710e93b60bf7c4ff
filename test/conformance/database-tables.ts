/** The tables that the suite of every dialect works on, and how its tests look at them. */
import { expect } from 'bun:test'
import * as column from '../../src/storage/columns.ts'
import type { Database } from '../../src/storage/database.ts'
import type { Migration, MigrationWords } from '../../src/storage/migrate.ts'
import { sql } from '../../src/storage/sql.ts'

export const values = column.table('check_value', {
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

export const counters = column.table('check_counter', {
  name: column.text().primaryKey(),
  n: column.int().notNull(),
})

export const pairs = column.table('check_pair', { a: column.int(), b: column.int() })

export const migration: Migration = {
  name: '0001_check',
  up: (w: MigrationWords) => `
    create table check_value (id ${w.id}, name text not null, whole integer, large ${w.big},
      exact ${w.real}, is_on ${w.bool}, body ${w.json}, bytes ${w.blob}, made_at ${w.big});
    create table check_counter (name text primary key, n integer not null);
    create table check_pair (a integer, b integer, constraint check_pair_unique unique (a, b));
    create table check_child (id ${w.id},
      counter text not null references check_counter (name) on delete cascade);`,
}

export const rejection = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable('should have failed'),
    (error: unknown) => error,
  )

export const counter = async (
  db: Pick<Database, 'rows'>,
  name: string,
): Promise<number | undefined> => {
  const [row] = await db.rows<{ n: number }>(sql`select n from check_counter where name = ${name}`)
  return row?.n
}

/** A promise and its key, to hold one transaction at a point while another is looked at. */
export const gate = () => Promise.withResolvers<void>()
