/** PostgreSQL keeps the promises of the database interface. */
import { expect, test } from 'bun:test'
import { UnavailableError } from '../../src/storage/errors.ts'
import { databaseConformance } from '../conformance/database.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from '../../src/storage/sql.ts'
import { createPostgres } from './postgres-server.ts'

databaseConformance('postgres', async () => {
  const { url, drop } = await createPostgres()
  const db = await openDatabase({ dataDir: ':memory:', databaseUrl: url })
  return { db, close: () => db.close().then(drop) }
})

test('lost connections fail their transactions as unavailable, and are replaced', async () => {
  const { url, drop } = await createPostgres()
  const open = () => openDatabase({ dataDir: '', databaseUrl: url })
  const [db, other] = await Promise.all([open(), open()])
  await db.run(sql`create table kept (n integer)`)
  const interrupted = (isIdle: boolean) =>
    db.transaction(async (tx) => {
      await tx.run(sql`insert into kept values (1)`)
      const [mine] = await tx.rows<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      const gone = sql`select pg_terminate_backend(${mine?.pid ?? 0}, 5000)`
      // Lost while nothing is sent, or under the hands of a statement.
      if (isIdle) await other.rows(gone)
      else await Promise.all([tx.rows(sql`select pg_sleep(60)`), other.rows(gone)])
      await tx.run(sql`insert into kept values (2)`)
    })
  // More often than there are connections: none of them may be lost for good.
  for (let at = 0; at < 12; at++) {
    await expect(interrupted(at % 2 === 0)).rejects.toBeInstanceOf(UnavailableError)
  }
  const inserts = Array.from({ length: 30 }, () => db.run(sql`insert into kept values (3)`))
  await Promise.all(inserts)
  expect(await db.rows(sql`select n, count(*) as times from kept group by n`)).toEqual([
    { n: 3, times: 30 },
  ])
  await Promise.all([db.close(), other.close()])
  await drop()
})

test('two transactions that wait for each other: one gives way, the other commits', async () => {
  const { url, drop } = await createPostgres()
  const db = await openDatabase({ dataDir: '', databaseUrl: url })
  await db.run(sql`create table pair (id integer, n integer)`)
  await db.run(sql`insert into pair values (1, 0), (2, 0)`)
  const held = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const cross = (own: number, next: number) =>
    db.transaction(async (tx) => {
      await tx.run(sql`update pair set n = n + 1 where id = ${own}`)
      held[own - 1]?.resolve()
      await held[next - 1]?.promise
      await tx.run(sql`update pair set n = n + 1 where id = ${next}`)
    })
  const results = await Promise.allSettled([cross(1, 2), cross(2, 1)])
  const failures = results.flatMap((result) => (result.status === 'rejected' ? result.reason : []))
  expect(failures).toEqual([expect.any(UnavailableError)])
  expect(await db.rows(sql`select n from pair`)).toEqual([{ n: 1 }, { n: 1 }])
  await db.close()
  await drop()
})

test('a server that cannot be reached is unavailable, and its password stays secret', async () => {
  const error = await openDatabase({
    dataDir: '',
    databaseUrl: 'postgres://user:hunter2@127.0.0.1:1/none',
  }).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(UnavailableError)
  expect(Bun.inspect(error)).not.toContain('hunter2')
})
