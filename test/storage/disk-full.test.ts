/** A full disk refuses what has no room, harms nothing, and is forgotten when room returns. */
import { Database as Handle } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlobs } from '../../src/storage/blobs.ts'
import type { Database } from '../../src/storage/database.ts'
import { DiskFullError } from '../../src/storage/errors.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from '../../src/storage/sql.ts'
import { streamOf } from '../conformance/blobs.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-full-'))
const mount = () =>
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]).success

const isMounted = mount()
afterAll(() => {
  if (isMounted) Bun.spawnSync(['umount', '-l', folder])
  rmSync(folder, { recursive: true, force: true })
})

const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'stored',
    (error: unknown) => (error instanceof DiskFullError ? 'full' : error),
  )

const fill = (name: string): void => {
  const piece = new Uint8Array(1 << 20)
  for (let size = piece.length; size >= 512;) {
    try {
      writeFileSync(join(folder, name), piece.subarray(0, size), { flag: 'a', flush: true })
    } catch {
      size >>= 1
    }
  }
}

const payload = new Uint8Array(20_000).fill(1)
const insert = (db: Database) =>
  db.transaction(async (tx) => {
    await tx.run(sql`insert into item (bytes) values (${payload})`)
    await Bun.sleep(0)
    await tx.run(sql`update counter set n = n + 1`)
  })

const create = async (db: Database): Promise<void> => {
  await db.run(sql`create table item (id integer primary key, bytes blob)`)
  await db.run(sql`create table counter (n integer)`)
  await db.run(sql`insert into counter values (0)`)
}

const counts = async (db: Database): Promise<unknown> =>
  (
    await db.rows(sql`select (select count(*) from item) as items, n from counter,
      pragma_integrity_check where integrity_check = 'ok'`)
  )[0]

/** Stores until there is no room left; answers how many were acknowledged. */
const storeUntilFull = async (db: Database): Promise<number> => {
  for (let stored = 0; ; stored++) {
    const result = await outcome(insert(db))
    if (result === 'full') return stored
    expect(result).toBe('stored')
  }
}

test('at SQLite own limit of pages', async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  await create(db)
  await db.transaction((tx) => tx.rows(sql`pragma max_page_count = 100`))
  const stored = await storeUntilFull(db)
  expect(stored).toBeGreaterThan(5)
  expect(await outcome(insert(db))).toBe('full')
  expect(await counts(db)).toEqual({ items: stored, n: stored })
  await db.transaction((tx) => tx.rows(sql`pragma max_page_count = 1000`))
  await insert(db)
  expect(await counts(db)).toEqual({ items: stored + 1, n: stored + 1 })
  await db.close()
})

if (!isMounted) {
  test.skip('on a real full disk: SKIPPED, mounting a small tmpfs needs root on Linux', () => {})
}

describe.if(isMounted)('on a real full disk', () => {
  let db: Database
  beforeAll(async () => {
    db = await openDatabase({ dataDir: folder })
    await create(db)
    // Room that is given back later; what `fill` adds takes the last bytes.
    writeFileSync(join(folder, 'ballast'), new Uint8Array(2 << 20))
  })

  test('the database stays whole, readable, and goes on when room returns', async () => {
    const stored: number = await storeUntilFull(db)
    expect(stored).toBeGreaterThan(50)
    fill('ballast')
    expect(await outcome(insert(db))).toBe('full')
    expect(await outcome(insert(db))).toBe('full')
    expect(await counts(db)).toEqual({ items: stored, n: stored })
    rmSync(join(folder, 'ballast'))
    await db.run(sql`delete from item where id > 5`)
    await db.run(sql`update counter set n = 5`)
    await insert(db)
    expect(await counts(db)).toEqual({ items: 6, n: 6 })
    await db.close()
    const again = new Handle(join(folder, 'hearth.sqlite'))
    expect(again.query('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
    expect(again.query('select count(*) as items from item').get()).toEqual({ items: 6 })
    again.close()
  })

  test('blobs without room leave nothing behind, uploads what had room', async () => {
    const blobs = await openBlobs({ dataDir: folder, namespace: 'test', env: {} })
    const incoming = () => readdirSync(join(folder, 'blobs', 'test', 'incoming'))
    const large = new Uint8Array(9 << 20)
    expect(await outcome(blobs.put(streamOf(large, 1 << 16)))).toBe('full')
    expect(incoming()).toEqual([])
    fill('ballast')
    expect(await outcome(blobs.put(payload))).toBe('full')
    expect(await outcome(blobs.uploads.append('up', 0, payload))).toBe('full')
    rmSync(join(folder, 'ballast'))
    expect(await outcome(blobs.put(payload))).toBe('stored')
    const arrived = await blobs.uploads.offset('up')
    expect(await blobs.uploads.append('up', arrived, payload.slice(arrived))).toBe(20_000)
    expect(await blobs.uploads.commit('up')).toMatchObject({ sizeBytes: 20_000 })
    expect(incoming()).toEqual([])
  })
})
