/** Logs a user in by password, giving nothing away about users to those who guess. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Database } from '../storage/database.ts'
import { usernameKey } from './accounts.ts'
import type { Attempt, Attempts } from './attempts.ts'
import type { Auth } from './auth.ts'
import type { Passwords } from './passwords.ts'
import type { Tokens } from './tokens.ts'
import { replaceHash, userByName } from './users.ts'

export interface LoginParts {
  readonly db: Database
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly clock: Clock
  readonly tokenLifetimeMs: number
}

export const loginWith =
  (parts: LoginParts, attempts: Attempts): Auth['login'] =>
  async ({ username, password, ip }) => {
    const { db, passwords, tokens, clock, tokenLifetimeMs } = parts
    const name = usernameKey(username)
    attempts.check(name, ip)
    const found = await userByName(db, username)

    // Counted when its turn comes: those that wait in line must not all pass on an old count.
    let attempt: Attempt | undefined
    const matches = await passwords.verify(password, found?.passwordHash ?? null, () => {
      attempt = attempts.begin(name, ip)
    })
    if (!found || !matches) {
      throw new HearthError('unauthorized', 'Incorrect username or password', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      })
    }
    attempt?.succeeded()
    const { user, passwordHash, tokenVersion } = found
    if (!user.isActive) throw new HearthError('bad_request', 'Inactive user')
    if (passwords.isOutdated(passwordHash)) {
      await replaceHash(db, user.id, {
        from: passwordHash,
        to: await passwords.hash(password),
      })
    }
    const now = clock.now()
    return tokens.sign(
      { userId: user.id, version: tokenVersion, expiresAt: now + tokenLifetimeMs },
      now,
    )
  }
