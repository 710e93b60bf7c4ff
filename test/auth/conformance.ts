/** What authentication does on every dialect: one suite, run on SQLite and on PostgreSQL. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { Auth } from '../../src/auth/auth.ts'
import type { Database } from '../../src/storage/database.ts'
import { sql } from '../../src/storage/sql.ts'
import {
  ada,
  authOn,
  bob,
  type HandClock,
  handClock,
  home,
  hourMs,
  migrateAuth,
  refusalOf,
  startMs,
} from './fixture.ts'

const wrongLogin = {
  code: 'unauthorized',
  message: 'Incorrect username or password',
  headers: { 'WWW-Authenticate': 'Bearer' },
}

export const authConformance = (
  dialect: string,
  open: () => Promise<{ db: Database; close(): Promise<void> }>,
): void => {
  describe(`authentication on ${dialect}`, () => {
    let db: Database
    let close: () => Promise<void>
    let clock: HandClock
    let auth: Auth
    /** Another server on the same database. */
    let other: Auth

    beforeAll(async () => {
      ;({ db, close } = await open())
      await migrateAuth(db)
    })
    afterAll(() => close())
    beforeEach(async () => {
      await db.run(sql`DELETE FROM auth_api_key`)
      await db.run(sql`DELETE FROM auth_user`)
      clock = handClock()
      auth = await authOn(db, clock)
      other = await authOn(db, clock)
    })

    const login = (user: { username: string; password: string }) =>
      auth.login({ username: user.username, password: user.password, ip: home })

    test('the first user is superuser, the next ones are not', async () => {
      const first = await auth.register(ada)
      const second = await auth.register(bob)
      expect(first).toEqual({
        id: expect.any(Number),
        email: ada.email,
        username: ada.username,
        isActive: true,
        isSuperuser: true,
        createdAt: startMs,
        updatedAt: startMs,
      })
      expect(second).toMatchObject({ username: 'bob', isSuperuser: false })
      expect(await auth.users({ skip: 0, limit: 10 })).toEqual([first, second])
      expect(await auth.users({ skip: 1, limit: 10 })).toEqual([second])
      expect(await auth.user(second.id)).toEqual(second)
      expect(await auth.user(second.id + 1)).toBeNull()
    })

    test('of many that register first at the same time exactly one is superuser', async () => {
      // A server for each, or they would wait for one another's hashes and never meet.
      const servers = await Promise.all(Array.from({ length: 8 }, () => authOn(db, clock)))
      const users = await Promise.all(
        servers.map((server, n) =>
          server.register({ ...ada, email: `u${n}@example.com`, username: `user${n}` }),
        ),
      )
      expect(users.filter(({ isSuperuser }) => isSuperuser)).toHaveLength(1)
    })

    test('of many that register one name at the same time exactly one gets it', async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          refusalOf((n % 2 ? auth : other).register({ ...ada, email: `a${n}@example.com` })),
        ),
      )
      expect(results.filter((result) => 'accepted' in result)).toHaveLength(1)
      expect(results.find((result) => 'code' in result)).toEqual({
        code: 'bad_request',
        message: 'Username already registered',
        headers: {},
      })
    })

    test('names and addresses are compared without regard to case', async () => {
      await auth.register(ada)
      expect(await refusalOf(auth.register({ ...bob, username: 'ADA' }))).toMatchObject({
        message: 'Username already registered',
      })
      expect(await refusalOf(auth.register({ ...bob, email: 'Ada@Example.com' }))).toMatchObject({
        message: 'Email already registered',
      })
      const token = await login({ username: 'Ada', password: ada.password })
      expect(await auth.whoIs(token)).toMatchObject({ username: 'ada' })
    })

    test('a login gives a token that every server knows', async () => {
      const { id } = await auth.register(ada)
      const token = await login(ada)
      const who = { id, username: 'ada', isSuperuser: true, via: 'jwt' as const }
      expect(other.whoIsCached(token)).toBeUndefined()
      expect(await other.whoIs(token)).toEqual(who)
      expect(other.whoIsCached(token)).toEqual(who)
      expect(await auth.whoIs(token)).toEqual(who)
    })

    test('unknown users and wrong passwords are refused alike', async () => {
      await auth.register(ada)
      expect(await refusalOf(login({ ...ada, password: 'wrong' }))).toEqual(wrongLogin)
      expect(await refusalOf(login(bob))).toEqual(wrongLogin)
      expect(await refusalOf(login({ ...bob, username: 'a\0b' }))).toEqual(wrongLogin)
      expect(await refusalOf(login({ ...ada, password: '' }))).toEqual(wrongLogin)
    })

    test('a token ends when its time is over', async () => {
      await auth.register(ada)
      const token = await login(ada)
      clock.advance(24 * hourMs - 1000)
      expect(await auth.whoIs(token)).not.toBeNull()
      clock.advance(1000)
      expect(auth.whoIsCached(token)).toBeFalsy()
      expect(await auth.whoIs(token)).toBeNull()
      expect(await other.whoIs(token)).toBeNull()
    })

    test('a new password ends the tokens: here at once, elsewhere within seconds', async () => {
      const { id } = await auth.register(ada)
      const token = await login(ada)
      await auth.whoIs(token)
      await other.whoIs(token)
      await auth.update(id, { password: 'another horse' })
      expect(auth.whoIsCached(token)).toBeUndefined()
      expect(await auth.whoIs(token)).toBeNull()
      clock.advance(3000)
      expect(await other.whoIs(token)).toBeNull()
      expect(await refusalOf(login(ada))).toEqual(wrongLogin)
      const fresh = await login({ ...ada, password: 'another horse' })
      expect(await other.whoIs(fresh)).toMatchObject({ id })
    })

    test('an inactive user is locked out, and told so only with the right password', async () => {
      await auth.register(ada)
      const { id } = await auth.register(bob)
      const token = await login(bob)
      const { key } = await auth.createKey(id, { name: 'laptop' })
      await auth.whoIs(token)
      await auth.whoIs(key)
      const changed = await auth.update(id, { isActive: false })
      expect(changed).toMatchObject({ id, isActive: false })
      expect(await auth.whoIs(token)).toBeNull()
      expect(await auth.whoIs(key)).toBeNull()
      expect(await refusalOf(login({ ...bob, password: 'wrong' }))).toEqual(wrongLogin)
      expect(await refusalOf(login(bob))).toEqual({
        code: 'bad_request',
        message: 'Inactive user',
        headers: {},
      })
      await auth.update(id, { isActive: true })
      expect(await auth.whoIs(token)).toBeNull()
      expect(await auth.whoIs(key)).toMatchObject({ id, via: 'key' })
    })

    test('a user who gains or loses superuser rights has them with the next request', async () => {
      await auth.register(ada)
      const { id } = await auth.register(bob)
      const token = await login(bob)
      expect(await auth.whoIs(token)).toMatchObject({ isSuperuser: false })
      await auth.update(id, { isSuperuser: true })
      expect(await auth.whoIs(token)).toMatchObject({ isSuperuser: true })
    })

    test('one active superuser always stays, also when two leave at the same time', async () => {
      const first = await auth.register(ada)
      const second = await auth.register(bob)
      const last = { code: 'bad_request', message: 'The last active superuser cannot be removed' }
      expect(await refusalOf(auth.update(first.id, { isActive: false }))).toMatchObject(last)
      expect(await refusalOf(auth.update(first.id, { isSuperuser: false }))).toMatchObject(last)
      await auth.update(second.id, { isSuperuser: true })
      const results = await Promise.all([
        refusalOf(auth.update(first.id, { isSuperuser: false })),
        refusalOf(other.update(second.id, { isActive: false })),
      ])
      expect(results.filter((result) => 'accepted' in result)).toHaveLength(1)
    })

    test('an update refuses what a registration would', async () => {
      await auth.register(ada)
      const { id } = await auth.register(bob)
      const refused = await Promise.all([
        refusalOf(auth.update(id, { email: 'ADA@example.com' })),
        refusalOf(auth.update(id, { email: 'nowhere' })),
        refusalOf(auth.update(id, { password: 'short' })),
        refusalOf(auth.update(id + 1, { email: 'c@example.com' })),
      ])
      expect(refused.map((refusal) => ('code' in refusal ? refusal.message : 'accepted'))).toEqual([
        'Email already registered',
        'The email is not a valid address',
        'The password must have at least 8 characters',
        'User not found',
      ])
      expect(await auth.user(id)).toMatchObject({ email: bob.email })
    })

    test('an API key works until it is revoked, and only its owner can revoke it', async () => {
      const owner = await auth.register(ada)
      const stranger = await auth.register(bob)
      const { key, info } = await auth.createKey(owner.id, { name: ' laptop ' })
      expect(key).toMatch(/^hearth_[A-Za-z0-9]{40}$/)
      expect(info).toEqual({
        id: expect.any(Number),
        name: 'laptop',
        prefix: key.slice(0, 13),
        createdAt: startMs,
        expiresAt: null,
        lastUsedAt: null,
      })
      const who = { id: owner.id, username: 'ada', isSuperuser: true, via: 'key' as const }
      expect(await auth.whoIs(key)).toEqual(who)
      expect(await other.whoIs(key)).toEqual(who)
      expect(await auth.whoIs(`${key.slice(0, -1)}!`)).toBeNull()

      const noKey = { code: 'not_found', message: 'API key not found', headers: {} }
      expect(await refusalOf(auth.revokeKey(stranger.id, info.id))).toEqual(noKey)
      await auth.revokeKey(owner.id, info.id)
      expect(await auth.whoIs(key)).toBeNull()
      clock.advance(3000)
      expect(await other.whoIs(key)).toBeNull()
      expect(await auth.keys(owner.id)).toEqual([])
      expect(await refusalOf(auth.revokeKey(owner.id, info.id))).toEqual(noKey)
    })

    test('an API key expires, is never kept itself, and outlives a new password', async () => {
      const { id } = await auth.register(ada)
      const expiresAt = startMs + hourMs
      const { key } = await auth.createKey(id, { name: 'job', expiresAt })
      await auth.update(id, { password: 'another horse' })
      expect(await auth.whoIs(key)).toMatchObject({ id })
      const stored = await db.rows(sql`SELECT * FROM auth_api_key`)
      expect(JSON.stringify(stored)).not.toContain(key)
      clock.advance(hourMs)
      expect(await auth.whoIs(key)).toBeNull()
      expect(await refusalOf(auth.createKey(id, { name: 'late', expiresAt }))).toMatchObject({
        code: 'bad_request',
      })
    })

    test('the last use of a key is written down at most once a minute', async () => {
      const { id } = await auth.register(ada)
      const { key } = await auth.createKey(id, { name: 'job' })
      const lastUse = async (expected: number) => {
        // The write runs beside the request: wait for it, then see that it stays.
        for (;;) {
          const [info] = await auth.keys(id)
          if (info?.lastUsedAt === expected) return
          await Bun.sleep(1)
        }
      }
      await auth.whoIs(key)
      await lastUse(startMs)
      clock.advance(59_000)
      await auth.whoIs(key)
      await lastUse(startMs)
      clock.advance(1_000)
      await auth.whoIs(key)
      await lastUse(startMs + 60_000)
    })

    test('a hash of another cost is replaced at the next login', async () => {
      const dear = await authOn(db, clock, { passwordCost: { memoryKiB: 64, passes: 1 } })
      await dear.register(ada)
      const hash = async () => {
        const [row] = await db.rows<{ password_hash: string }>(
          sql`SELECT password_hash FROM auth_user`,
        )
        return row?.password_hash.slice(0, 27)
      }
      expect(await hash()).toBe('$argon2id$v=19$m=64,t=1,p=1')
      await login(ada)
      expect(await hash()).toBe('$argon2id$v=19$m=8,t=1,p=1$')
      await login(ada)
    })
  })
}
