/** Registering users and changing them, one after the other on all servers. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Database, Queries } from '../storage/database.ts'
import { type AccountRules, checkAccount } from './accounts.ts'
import type { Auth, User } from './auth.ts'
import type { Passwords } from './passwords.ts'
import {
  insertUser,
  isLastSuperuser,
  noUserYet,
  saveUser,
  userByEmail,
  userById,
  userByName,
} from './users.ts'

/** Runs a change in line with the others, and lets nothing that was known before it count. */
export type Change = <T>(work: (tx: Queries) => Promise<T>) => Promise<T>

export interface MembershipParts {
  readonly db: Database
  readonly passwords: Passwords
  readonly clock: Clock
  readonly rules: AccountRules
  readonly change: Change
}

export const createMembership = (parts: MembershipParts): Pick<Auth, 'register' | 'update'> => {
  const { db, passwords, clock, rules, change } = parts
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

    async update(id, { email: typed, password, ...rights }) {
      const before = await userById(db, id)
      if (!before) throw new HearthError('not_found', 'User not found')
      const email = typed?.trim()
      const { username, email: known } = before.user
      const account = { email: email ?? known }
      checkAccount(password === undefined ? account : { ...account, username, password }, rules)
      const passwordHash = password === undefined ? undefined : await passwords.hash(password)
      return change((tx) => apply(tx, id, { ...rights, email, passwordHash, now: clock.now() }))
    },
  }
}

const refuseTaken = async (
  db: Queries,
  { username, email }: { username: string; email: string },
): Promise<void> => {
  if (await userByName(db, username)) {
    throw new HearthError('bad_request', 'Username already registered')
  }
  if (await userByEmail(db, email)) {
    throw new HearthError('bad_request', 'Email already registered')
  }
}

interface Wanted {
  readonly email: string | undefined
  readonly passwordHash: string | undefined
  readonly isActive?: boolean
  readonly isSuperuser?: boolean
  readonly now: number
}

const apply = async (tx: Queries, id: number, wanted: Wanted): Promise<User> => {
  const before = await userById(tx, id)
  if (!before) throw new HearthError('not_found', 'User not found')
  const email = wanted.email ?? before.user.email
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
