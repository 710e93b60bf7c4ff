/** API keys: long random words for programs, kept only as digests. */
import { HearthError } from '../kernel/errors.ts'
import type { Queries } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import type { ApiKey } from './auth.ts'

const mark = 'hearth_'
/** 40 letters of 62 are 238 bits: a fast digest is enough, there is nothing to guess. */
const randomLength = 40
const prefixLength = mark.length + 6
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

interface KeyRow {
  readonly id: number
  readonly user_id: number
  readonly name: string
  readonly prefix: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
}

const columns = sql`id, user_id, name, prefix, created_at, expires_at, last_used_at`

export const isApiKey = (token: string): boolean =>
  token.startsWith(mark) && token.length === mark.length + randomLength

export const newKey = (): string => {
  let key = mark
  while (key.length < mark.length + randomLength) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1))
    // Above the last multiple of 62 a remainder would favour the first letters.
    if (byte < 248) key += alphabet.charAt(byte % alphabet.length)
  }
  return key
}

/** @throws HearthError `bad_request` */
export const checkKey = (name: string, expiresAt: number | null, now: number): void => {
  const trimmed = name.trim()
  if (!/^[^\p{Cc}\p{Cs}]{1,100}$/u.test(trimmed)) {
    throw new HearthError('bad_request', 'The name of a key must have 1 to 100 characters')
  }
  if (expiresAt !== null && expiresAt <= now) {
    throw new HearthError('bad_request', 'The key would have expired already')
  }
}

export const insertKey = async (
  tx: Queries,
  input: { userId: number; key: string; name: string; expiresAt: number | null; now: number },
): Promise<ApiKey> => {
  const { userId, key, name, expiresAt, now } = input
  const [row] = await tx.rows<KeyRow>(
    sql`INSERT INTO auth_api_key (user_id, name, prefix, sha256, created_at, expires_at)
      VALUES (${userId}, ${name}, ${key.slice(0, prefixLength)}, ${digest(key)}, ${now},
        ${expiresAt})
      RETURNING ${columns}`,
  )
  if (!row) throw new Error('The inserted key was not returned')
  return infoOf(row)
}

export const keysOf = async (db: Queries, userId: number): Promise<ApiKey[]> => {
  const rows = await db.rows<KeyRow>(
    sql`SELECT ${columns} FROM auth_api_key WHERE user_id = ${userId} ORDER BY id`,
  )
  return rows.map(infoOf)
}

/** The key and its owner, expired or not; null when there is no such key. */
export const findKey = async (
  db: Queries,
  key: string,
): Promise<{ info: ApiKey; userId: number } | null> => {
  const [row] = await db.rows<KeyRow>(
    sql`SELECT ${columns} FROM auth_api_key WHERE sha256 = ${digest(key)}`,
  )
  return row ? { info: infoOf(row), userId: Number(row.user_id) } : null
}

export const deleteKey = async (tx: Queries, userId: number, keyId: number): Promise<void> => {
  const deleted = await tx.run(
    sql`DELETE FROM auth_api_key WHERE id = ${keyId} AND user_id = ${userId}`,
  )
  if (deleted === 0) throw new HearthError('not_found', 'API key not found')
}

export const noteKeyUse = async (db: Queries, keyId: number, now: number): Promise<void> => {
  await db.run(sql`UPDATE auth_api_key SET last_used_at = ${now} WHERE id = ${keyId}`)
}

const digest = (key: string): string => new Bun.CryptoHasher('sha256').update(key).digest('hex')

const infoOf = (row: KeyRow): ApiKey => ({
  id: Number(row.id),
  name: row.name,
  prefix: row.prefix,
  createdAt: Number(row.created_at),
  expiresAt: row.expires_at === null ? null : Number(row.expires_at),
  lastUsedAt: row.last_used_at === null ? null : Number(row.last_used_at),
})
