/** Checking access costs one query however many ask, and never believes what was overtaken. */
import { expect, test } from 'bun:test'
import { RunAccess } from '../../../plugins/tracking/access.ts'
import type { Database } from '../../../src/sdk.ts'
import { fakeClock } from '../../../src/testing.ts'

const ann = { id: 1, username: 'ann', isSuperuser: false, via: 'jwt' } as const

/** A database whose answers the test hands out by itself. */
const slowDatabase = () => {
  const waiting: ((rows: object[]) => void)[] = []
  let queries = 0
  const rows = () => {
    queries++
    return new Promise<object[]>((resolve) => waiting.push(resolve))
  }
  return {
    db: { rows } as unknown as Database,
    queries: () => queries,
    answer: (owner: number) =>
      waiting.shift()?.([
        {
          ...{ project_id: 1, status: 'running', owner_id: owner, is_public: false },
          ...{ deleted_at: null, project_deleted_at: null },
        },
      ]),
    answerNothing: () => waiting.shift()?.([]),
  }
}

test('a crowd asks once, and again only when the answer is old', async () => {
  const database = slowDatabase()
  const clock = fakeClock()
  const access = new RunAccess(database.db, clock)
  const crowd = Array.from({ length: 50 }, () => access.writable(ann, 7))
  database.answer(ann.id)
  const facts = await Promise.all(crowd)
  expect(new Set(facts).size).toBe(1)
  clock.advance(1999)
  await access.writable(ann, 7)
  expect(database.queries()).toBe(1)
  clock.advance(1)
  const late = access.writable(ann, 7)
  database.answer(2)
  expect(await late.catch((error: Error) => error.message)).toBe('Resource not found')
  expect(database.queries()).toBe(2)
})

test('an answer that a change overtook is not kept', async () => {
  const database = slowDatabase()
  const access = new RunAccess(database.db, fakeClock())
  const early = access.writable(ann, 7)
  access.forget(7)
  const late = access.writable(ann, 7)
  database.answer(ann.id)
  expect(await early).toMatchObject({ ownerId: ann.id })
  database.answer(2)
  expect(await late.catch((error: Error) => error.message)).toBe('Resource not found')
  expect(await access.readable(ann, 7).catch((error: Error) => error.message)).toBe(
    'Resource not found',
  )
  expect(database.queries()).toBe(2)
})

test('what is not there is asked for each time, so that it is found once it is there', async () => {
  const database = slowDatabase()
  const access = new RunAccess(database.db, fakeClock())
  const before = access.readable(ann, 7)
  database.answerNothing()
  expect(await before.catch((error: Error) => error.message)).toBe('Resource not found')
  const after = access.readable(ann, 7)
  database.answer(ann.id)
  expect(await after).toMatchObject({ id: 7, isDeleted: false })
})

test('a failed query is not kept either', async () => {
  let failing = true
  const row = {
    ...{ project_id: 1, status: 'running', owner_id: 1, is_public: 1 },
    ...{ deleted_at: null, project_deleted_at: null },
  }
  const rows = async () => {
    if (failing) throw new Error('the database is gone')
    return [row]
  }
  const access = new RunAccess({ rows } as unknown as Database, fakeClock())
  await expect(access.readable(ann, 7)).rejects.toThrow('the database is gone')
  failing = false
  expect(await access.readable(ann, 7)).toMatchObject({ isPublic: true })
})
