/** What was acknowledged survives kill -9, and what was not is there whole or not at all. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from '../../src/storage/sql.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'hearth-crash-'))
afterAll(() => rmSync(dataDir, { recursive: true }))

/** Kills the writer once it has acknowledged `count`; answers the last number it acknowledged. */
const killAfter = async (count: number): Promise<number> => {
  const fixture = join(import.meta.dir, 'crash-fixture.ts')
  const writer = Bun.spawn([process.execPath, fixture, dataDir], { stdout: 'pipe' })
  let output = ''
  const decoder = new TextDecoder()
  for await (const chunk of writer.stdout) {
    output += decoder.decode(chunk)
    if (output.split('\n').length > count) writer.kill('SIGKILL')
  }
  await writer.exited
  // The last line may be cut; the one before was acknowledged for sure.
  return Number(output.split('\n').at(-2))
}

test('kill -9 in the middle of writing, five times over', async () => {
  for (const count of [1, 7, 40, 3, 20]) {
    const acknowledged = await killAfter(count)
    const db = await openDatabase({ dataDir })
    const [row] = await db.rows<{ pairs: number; last: number; broken: number }>(
      sql`select count(*) / 2 as pairs, max(n) as last, (select count(*) from
        (select n from pair group by n having count(*) <> 2)) as broken from pair`,
    )
    const [check] = await db.rows(sql`select integrity_check from pragma_integrity_check`)
    await db.close()
    expect(row?.last).toBeGreaterThanOrEqual(acknowledged)
    expect(row).toEqual({ pairs: row?.last ?? 0, last: row?.last ?? 0, broken: 0 })
    expect(check).toEqual({ integrity_check: 'ok' })
  }
})
