/** Commits pairs of rows as fast as it can and prints each number once it is acknowledged. */
import { writeSync } from 'node:fs'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from '../../src/storage/sql.ts'

const db = await openDatabase({ dataDir: process.argv[2] ?? '' })
await db.run(sql`create table if not exists pair (n integer, half text, primary key (n, half))`)
const [last] = await db.rows<{ n: number | null }>(sql`select max(n) as n from pair`)
for (let n = (last?.n ?? 0) + 1; ; n++) {
  await db.transaction(async (tx) => {
    await tx.run(sql`insert into pair values (${n}, 'a')`)
    await Promise.resolve()
    await tx.run(sql`insert into pair values (${n}, 'b')`)
  })
  writeSync(1, `${n}\n`)
}
