/** Puts authentication together: users, passwords, tokens and keys behind the one interface. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { createAttempts } from './attempts.ts'
import type { Auth } from './auth.ts'
import { checkKey, deleteKey, insertKey, keysOf, newKey } from './keys.ts'
import { loginWith } from './login.ts'
import { type Change, createMembership } from './membership.ts'
import { createPasswords, type PasswordCost } from './passwords.ts'
import { createRecognizer } from './recognize.ts'
import { createSealer } from './sealer.ts'
import { countChange } from './state.ts'
import { openTokens } from './tokens.ts'
import { listUsers, userById } from './users.ts'

const dayMs = 24 * 60 * 60_000

export interface AuthOptions {
  /** With the tables of `authMigrations`. */
  readonly db: Database
  /** From `readSecretKey`. */
  readonly secretKey: Uint8Array<ArrayBuffer>
  readonly clock: Clock
  readonly log: Logger
  readonly tokenLifetimeMs?: number
  readonly minPasswordLength?: number
  readonly passwordCost?: PasswordCost
}

export const openAuth = async (options: AuthOptions): Promise<Auth> => {
  const { db, clock, log, tokenLifetimeMs = dayMs, minPasswordLength = 8 } = options
  const rules = { minPasswordLength }
  const passwords = createPasswords(options.passwordCost)
  const tokens = await openTokens(options.secretKey)
  const recognizer = createRecognizer({ db, tokens, clock, log })

  const change: Change = async (work) => {
    try {
      return await db.transaction(async (tx) => {
        await countChange(tx)
        return work(tx)
      })
    } finally {
      recognizer.forget()
    }
  }

  return {
    ...createMembership({ db, passwords, clock, rules, change }),
    login: loginWith({ db, passwords, tokens, clock, tokenLifetimeMs }, createAttempts(clock)),
    whoIs: recognizer.whoIs,
    whoIsCached: recognizer.whoIsCached,
    user: async (id) => (await userById(db, id))?.user ?? null,
    sealer: (purpose) => createSealer(options.secretKey, purpose),
    users: (page) => listUsers(db, page),

    async createKey(userId, { name, expiresAt = null }) {
      const now = clock.now()
      checkKey(name, expiresAt, now)
      const key = newKey()
      const info = await db.transaction(async (tx) => {
        if (!(await userById(tx, userId))) throw new HearthError('not_found', 'User not found')
        return insertKey(tx, { userId, key, name: name.trim(), expiresAt, now })
      })
      return { key, info }
    },
    keys: (userId) => keysOf(db, userId),
    revokeKey: (userId, keyId) => change((tx) => deleteKey(tx, userId, keyId)),
  }
}
