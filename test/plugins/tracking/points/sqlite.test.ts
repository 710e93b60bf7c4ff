/** Points on the embedded database. */
import { expect, test } from 'bun:test'
import { DiskFullError } from '../../../../src/storage/errors.ts'
import { sql } from '../../../../src/storage/sql.ts'
import { conformance } from './conformance.ts'
import { dialects } from './fixture.ts'

conformance('sqlite')

test('a full disk refuses points and loses none, until there is room', async () => {
  const under = await dialects.sqlite()
  const { store, db } = under
  const append = (from: number) => {
    const steps = Array.from({ length: 1000 }, (_, i) => from + i)
    const values = steps.map((step) => step / 3)
    return store.append({ runId: 1, series: [{ name: 'loss', steps, values }] })
  }
  const count = async () => (await store.summary(1))[0]?.count ?? 0
  const limitPages = (pages: number) => db.rows(sql.raw(`pragma max_page_count = ${pages}`))
  const [pages] = await db.rows<{ page_count: number }>(sql.raw('pragma page_count'))
  await append(0)
  await limitPages((pages?.page_count ?? 0) + 100)
  let stored = 1000
  const fill = async () => {
    for (;;) {
      await append(stored)
      stored += 1000
    }
  }
  await expect(fill()).rejects.toBeInstanceOf(DiskFullError)
  expect(stored).toBeGreaterThan(1000)
  expect(await count()).toBe(stored)
  await expect(append(stored)).rejects.toBeInstanceOf(DiskFullError)
  await limitPages(1_000_000)
  const { firstId } = await append(stored)
  expect(firstId).toBe(stored + 1)
  await under.seal()
  const history = await store.history(1, 'loss')
  expect(Array.from(history?.steps ?? [])).toEqual(
    Array.from({ length: stored + 1000 }, (_, step) => step),
  )
  await under.close()
})
