/** The migrator applies once, in order, whole or not at all, and refuses what does not fit. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { Database } from '../../src/storage/database.ts'
import { type Migration, migrate, MigrationError } from '../../src/storage/migrate.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from '../../src/storage/sql.ts'
import { createPostgres } from './postgres-server.ts'

const create: Migration = {
  name: '0001_create',
  up: ({ id }) => `create table demo_item (id ${id}, name text not null);
    create index demo_item_name on demo_item (name);
    -- a comment; with a semicolon
    insert into demo_item (name) values ('first; still first');`,
}
const extend: Migration = {
  name: '0002_extend',
  up: ({ big }) => `alter table demo_item add column size_bytes ${big};
    update demo_item set size_bytes = (select count(*) from demo_item);`,
}

const sqlite = async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  return { db, open: async () => db, close: () => db.close() }
}

const onPostgres = async () => {
  const { url, drop } = await createPostgres()
  const opened: Database[] = []
  const open = async () => {
    const db = await openDatabase({ dataDir: '', databaseUrl: url })
    opened.push(db)
    return db
  }
  const close = async () => {
    await Promise.all(opened.map((db) => db.close()))
    await drop()
  }
  return { db: await open(), open, close }
}

for (const [dialect, start] of Object.entries({ sqlite, postgres: onPostgres })) {
  describe(`migrations on ${dialect}`, () => {
    let at: Awaited<ReturnType<typeof start>>
    beforeEach(async () => {
      at = await start()
    })
    afterEach(() => at.close())

    const apply = (...migrations: Migration[]) => migrate(at.db, [{ plugin: 'demo', migrations }])
    const refusal = (...migrations: Migration[]) =>
      apply(...migrations).then(
        () => 'applied',
        (error: Error) => `${error.name}: ${error.message}`,
      )
    const items = () => at.db.rows(sql`select * from demo_item`)

    test('are applied once each, in order of name', async () => {
      expect(await apply(extend, create)).toEqual(['demo/0001_create', 'demo/0002_extend'])
      expect(await apply(create, extend)).toEqual([])
      expect(await items()).toEqual([{ id: 1, name: 'first; still first', size_bytes: 1 }])
    })

    test('several servers at once: each migration is applied by one of them', async () => {
      const servers = await Promise.all([at.open(), at.open(), at.open()])
      const sets = [{ plugin: 'demo', migrations: [create, extend] }]
      const applied = await Promise.all(servers.map((db) => migrate(db, sets)))
      expect(applied.flat().toSorted()).toEqual(['demo/0001_create', 'demo/0002_extend'])
    })

    test('fail whole: nothing of any of them stays, and the next try begins anew', async () => {
      const broken = { name: '0002_broken', up: () => 'insert into demo_item (nope) values (1);' }
      expect(await refusal(create, broken)).toMatch(/^MigrationError: Plugin demo: migration 0002/)
      await expect(items()).rejects.toThrow()
      expect(await apply(create, extend)).toHaveLength(2)
    })

    test('one changed after it was applied is refused', async () => {
      await apply(create)
      const changed = { ...create, up: () => 'create table demo_item (id integer);' }
      expect(await refusal(changed)).toContain('0001_create was changed after it was applied')
    })

    test('a database newer than the program is refused', async () => {
      await apply(create, extend)
      expect(await refusal(create)).toContain('newer than this program: it has migration 0002_')
    })

    test('one that comes before an applied one is refused', async () => {
      await apply(create, extend)
      const late = { name: '0001_late', up: () => 'create table demo_late (id integer);' }
      expect(await refusal(create, late, extend)).toContain('0001_late comes before 0002_extend')
    })
  })
}

describe('what a migration may say', () => {
  let db: Database
  beforeEach(async () => {
    db = await openDatabase({ dataDir: ':memory:' })
  })
  afterEach(() => db.close())

  const attempt = (text: string, name = '0001_x') =>
    migrate(db, [{ plugin: 'my-demo', migrations: [{ name, up: () => text }] }]).then(
      () => 'applied',
      (error: Error) => (error instanceof MigrationError ? error.message : error),
    )

  test.each([
    'create table other (id integer)',
    'create table if not exists "other" (id integer)',
    'create table my_demo_a (id integer references other (id))',
    'create index other_index on my_demo_a (id)',
    'create index my_demo_index on other (id)',
    'create table my_demo_a (id integer); drop table other',
    'create table my_demo_a (id integer); alter table my_demo_a rename to other',
    'create table my_demo_a as select * from /* sly */ other',
    'insert into other values (1)',
    'update other set id = 1',
    'delete from other',
    'with my_demo_x as (select 1) delete from other',
    'create table main.other (id integer)',
    'create table my_demo_a as select * from my_demo_b b, other',
  ])('refused, it names what is not its own: %s', async (text) => {
    expect(await attempt(text)).toMatch(/0001_x names ".+", which does not begin with "my_demo_"$/)
  })

  test.each([
    ['pragma foreign_keys = off', 'may not use "pragma"'],
    ['create trigger my_demo_t after insert on my_demo_a begin select 1; end', 'create a trigger'],
    ["attach 'x' as other", 'may not use "attach"'],
    ['vacuum', 'may not use "vacuum"'],
    ['commit', 'may not use "commit"'],
  ])('refused, it is not for migrations: %s', async (text, reason) => {
    expect(await attempt(text)).toContain(reason)
  })

  test.each([
    `create table my_demo_a (id integer primary key, at integer default 0 check (at >= 0));
     create table my_demo_b (id integer references my_demo_a (id) on delete cascade on update
       cascade);
     create unique index my_demo_i on my_demo_b (id) where id > 0;
     with fresh as (select 7 as id) insert into my_demo_a (id) select id from fresh where true
       on conflict (id) do update set at = 1;
     update my_demo_a set at = 2 where id in (select b.id from my_demo_b as b join my_demo_a as a
       on a.id = b.id);
     insert into my_demo_a (id, at) values (8, length('delete from other; -- ''quoted'''));
     delete from my_demo_b; drop index my_demo_i; drop table if exists my_demo_b`,
  ])('allowed', async (text) => {
    expect(await attempt(text)).toBe('applied')
  })

  test.each(['first', '1_short', '0001_Upper'])('a name like %s is refused', async (name) => {
    expect(await attempt('', name)).toContain('must be named once, like 0001_what_it_does')
  })
})
