/** Guessing in parallel gets no further than guessing one after the other. */
import { afterEach, beforeEach, expect, spyOn, test } from 'bun:test'
import type { Auth } from '../../src/auth/auth.ts'
import type { Database } from '../../src/storage/database.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { ada, authOn, bob, handClock, home, migrateAuth, refusalOf } from './fixture.ts'

let db: Database
let auth: Auth
beforeEach(async () => {
  db = await openDatabase({ dataDir: ':memory:' })
  await migrateAuth(db)
  auth = await authOn(db, handClock())
  await auth.register(ada)
})
afterEach(() => db.close())

/** Codes of many logins at once, and how many passwords were looked at for them. */
const guess = async (count: number, username: (n: number) => string) => {
  const verify = spyOn(Bun.password, 'verify')
  try {
    const replies = await Promise.all(
      Array.from({ length: count }, (_, n) =>
        refusalOf(auth.login({ username: username(n), password: `guess ${n}`, ip: home })),
      ),
    )
    const codes = replies.map((reply) => ('code' in reply ? reply.code : 'accepted'))
    return { codes: new Set(codes), looks: verify.mock.calls.length }
  } finally {
    verify.mockRestore()
  }
}

test('one user is guessed five times at most', async () => {
  expect(await guess(100, () => ada.username)).toEqual({
    codes: new Set(['unauthorized', 'rate_limited']),
    looks: 5,
  })
})

test('many users are guessed twenty times at most from one address', async () => {
  expect(await guess(100, (n) => `user${n}`)).toEqual({
    codes: new Set(['unauthorized', 'rate_limited']),
    looks: 20,
  })
  expect(await auth.login({ ...ada, ip: '10.0.0.1' })).toBeString()
})

test('many right logins at once all succeed', async () => {
  await auth.register(bob)
  const tokens = await Promise.all(
    Array.from({ length: 60 }, (_, n) => auth.login({ ...(n % 2 ? ada : bob), ip: home })),
  )
  expect(new Set(tokens).size).toBe(60)
})
