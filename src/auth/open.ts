/** Puts authentication together: users, passwords, tokens and keys behind the one interface. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database, Queries } from '../storage/database.ts'
import { checkAccount } from './accounts.ts'
import { createAttempts } from './attempts.ts'
import type { Auth, User } from './auth.ts'
import { deleteKey, insertKey, keysOf, newKey } from './keys.ts'
import { loginWith } from './login.ts'
import { createPasswords, type PasswordCost } from './passwords.ts'
import { createRecognizer } from './recognize.ts'
import { countChange } from './state.ts'
import { openTokens } from './tokens.ts'
import {
  insertUser,
  isLastSuperuser,
  listUsers,
  noUserYet,
  saveUser,
  userByEmail,
  userById,
  userByName,
} from './users.ts'

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

  /** Changes happen in line; when one is done, nothing that was remembered before it counts. */
  const change = async <T>(work: (tx: Queries) => Promise<T>): Promise<T> => {
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
    async register({ email, username, password }) {
      const account = { email: email.trim(), username: username.trim() }
      checkAccount({ ...account, password }, rules)
      await refuseTaken(db, account)
      const passwordHash = await passwords.hash(password)
      const now = clock.now()
      return change(async (tx) => {
        await refuseTaken(tx, account)
        const isSuperuser = await noUserYet(tx)
        const times = { createdAt: now, updatedAt: now }
        return insertUser(tx, { ...account, ...times, passwordHash, isActive: true, isSuperuser })
      })
    },

    login: loginWith({ db, passwords, tokens, clock, tokenLifetimeMs }, createAttempts(clock)),
    whoIs: recognizer.whoIs,
    whoIsCached: recognizer.whoIsCached,
    user: async (id) => (await userById(db, id))?.user ?? null,
    users: (page) => listUsers(db, page),

    async update(id, wanted) {
      const before = await userById(db, id)
      if (!before) throw new HearthError('not_found', 'User not found')
      const { password, email } = wanted
      checkAccount({ ...(email !== undefined && { email: email.trim() }) }, rules)
      if (password !== undefined) {
        const { username, email: address } = before.user
        checkAccount({ username, email: email?.trim() ?? address, password }, rules)
      }
      const passwordHash = password === undefined ? undefined : await passwords.hash(password)
      return change((tx) => applyTo(tx, id, { ...wanted, passwordHash, now: clock.now() }))
    },

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

const refuseTaken = async (
  db: Queries,
  { username, email }: { username?: string; email: string },
): Promise<void> => {
  if (username !== undefined && (await userByName(db, username))) {
    throw new HearthError('bad_request', 'Username already registered')
  }
  if (await userByEmail(db, email)) {
    throw new HearthError('bad_request', 'Email already registered')
  }
}

const applyTo = async (
  tx: Queries,
  id: number,
  wanted: {
    email?: string
    passwordHash: string | undefined
    isActive?: boolean
    isSuperuser?: boolean
    now: number
  },
): Promise<User> => {
  const before = await userById(tx, id)
  if (!before) throw new HearthError('not_found', 'User not found')
  const email = wanted.email?.trim() ?? before.user.email
  const isActive = wanted.isActive ?? before.user.isActive
  const isSuperuser = wanted.isSuperuser ?? before.user.isSuperuser

  const sameEmail = await userByEmail(tx, email)
  if (sameEmail && sameEmail.user.id !== id) {
    throw new HearthError('bad_request', 'Email already registered')
  }
  const leaves = before.user.isSuperuser && before.user.isActive && !(isSuperuser && isActive)
  if (leaves && (await isLastSuperuser(tx, id))) {
    throw new HearthError('bad_request', 'The last active superuser cannot be removed')
  }

  const ends = wanted.passwordHash !== undefined || (before.user.isActive && !isActive)
  const user = { ...before.user, email, isActive, isSuperuser, updatedAt: wanted.now }
  await saveUser(tx, {
    user,
    passwordHash: wanted.passwordHash ?? before.passwordHash,
    tokenVersion: before.tokenVersion + (ends ? 1 : 0),
  })
  return user
}

const checkKey = (name: string, expiresAt: number | null, now: number): void => {
  const trimmed = name.trim()
  if (!/^[^\p{Cc}\p{Cs}]{1,100}$/u.test(trimmed)) {
    throw new HearthError('bad_request', 'The name of a key must have 1 to 100 characters')
  }
  if (expiresAt !== null && expiresAt <= now) {
    throw new HearthError('bad_request', 'The key would have expired already')
  }
}
