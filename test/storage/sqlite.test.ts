/** SQLite keeps the promises of the database interface. */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { openDatabase } from '../../src/storage/open.ts'
import { databaseConformance } from '../conformance/database.ts'

databaseConformance('sqlite', async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  return { db, close: () => db.close() }
})

test('a database in memory left open goes with its process, at the start of the next', async () => {
  const open = `const { openDatabase } = await import('./src/storage/open.ts')
    const { sql } = await import('./src/storage/sql.ts')
    const db = await openDatabase({ dataDir: ':memory:' })
    const [{ file }] = await db.rows(sql\`select file from pragma_database_list\`)
    console.log(file)
    process.kill(process.pid, 'SIGKILL')`
  const run = () => Bun.spawnSync([process.execPath, '-e', open]).stdout.toString().trim()
  const [first, second] = [run(), run()]
  expect([existsSync(first), existsSync(second)]).toEqual([false, true])
  run()
  expect(existsSync(second)).toBe(false)
})
