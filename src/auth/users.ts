/** The users table: reading and writing its rows, without deciding anything. */
import type { Queries } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { emailKey, usernameKey } from './accounts.ts'
import type { User } from './auth.ts'

export interface StoredUser {
  readonly user: User
  readonly passwordHash: string
  readonly tokenVersion: number
}

interface UserRow {
  readonly id: number
  readonly email: string
  readonly username: string
  readonly password_hash: string
  readonly is_active: boolean | number
  readonly is_superuser: boolean | number
  readonly token_version: number
  readonly created_at: number
  readonly updated_at: number
}

const columns = sql`id, email, username, password_hash, is_active, is_superuser, token_version,
  created_at, updated_at`

export const userById = async (db: Queries, id: number): Promise<StoredUser | null> =>
  first(await db.rows<UserRow>(sql`SELECT ${columns} FROM auth_user WHERE id = ${id}`))

export const userByName = async (db: Queries, username: string): Promise<StoredUser | null> => {
  const key = usernameKey(username)
  // No name holds a NUL, and PostgreSQL refuses the very question.
  if (key.includes('\0')) return null
  return first(
    await db.rows<UserRow>(sql`SELECT ${columns} FROM auth_user WHERE username_key = ${key}`),
  )
}

export const userByEmail = async (db: Queries, email: string): Promise<StoredUser | null> =>
  first(
    await db.rows<UserRow>(
      sql`SELECT ${columns} FROM auth_user WHERE email_key = ${emailKey(email)}`,
    ),
  )

export const listUsers = async (
  db: Queries,
  { skip, limit }: { skip: number; limit: number },
): Promise<User[]> => {
  const rows = await db.rows<UserRow>(
    sql`SELECT ${columns} FROM auth_user ORDER BY id LIMIT ${limit} OFFSET ${skip}`,
  )
  return rows.map((row) => stored(row).user)
}

export const noUserYet = async (db: Queries): Promise<boolean> =>
  (await db.rows(sql`SELECT id FROM auth_user LIMIT 1`)).length === 0

export const isLastSuperuser = async (db: Queries, id: number): Promise<boolean> => {
  const others = await db.rows(
    sql`SELECT id FROM auth_user
      WHERE is_superuser = ${true} AND is_active = ${true} AND id <> ${id} LIMIT 1`,
  )
  return others.length === 0
}

export const insertUser = async (
  tx: Queries,
  user: Omit<User, 'id'> & { passwordHash: string },
): Promise<User> => {
  const { email, username, passwordHash, isActive, isSuperuser, createdAt, updatedAt } = user
  const [row] = await tx.rows<UserRow>(
    sql`INSERT INTO auth_user (email, email_key, username, username_key, password_hash, is_active,
        is_superuser, token_version, created_at, updated_at)
      VALUES (${email}, ${emailKey(email)}, ${username}, ${usernameKey(username)}, ${passwordHash},
        ${isActive}, ${isSuperuser}, ${1}, ${createdAt}, ${updatedAt})
      RETURNING ${columns}`,
  )
  if (!row) throw new Error('The inserted user was not returned')
  return stored(row).user
}

/** Writes all that may change of a user. */
export const saveUser = async (tx: Queries, changed: StoredUser): Promise<void> => {
  const { user, passwordHash, tokenVersion } = changed
  await tx.run(
    sql`UPDATE auth_user SET email = ${user.email}, email_key = ${emailKey(user.email)},
        password_hash = ${passwordHash}, is_active = ${user.isActive},
        is_superuser = ${user.isSuperuser}, token_version = ${tokenVersion},
        updated_at = ${user.updatedAt}
      WHERE id = ${user.id}`,
  )
}

/** Replaces a hash by one of the same password, unless the password changed meanwhile. */
export const replaceHash = async (
  db: Queries,
  id: number,
  hashes: { from: string; to: string },
): Promise<void> => {
  await db.run(
    sql`UPDATE auth_user SET password_hash = ${hashes.to}
      WHERE id = ${id} AND password_hash = ${hashes.from}`,
  )
}

const first = (rows: readonly UserRow[]): StoredUser | null => (rows[0] ? stored(rows[0]) : null)

const stored = (row: UserRow): StoredUser => ({
  user: {
    id: Number(row.id),
    email: row.email,
    username: row.username,
    isActive: Boolean(row.is_active),
    isSuperuser: Boolean(row.is_superuser),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  },
  passwordHash: row.password_hash,
  tokenVersion: Number(row.token_version),
})
