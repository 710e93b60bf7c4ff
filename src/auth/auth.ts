/** Users, logins and keys: what the kernel and plugins may ask of authentication. */
import type { Sealer } from './sealer.ts'
import type { Who } from './who.ts'

export interface User {
  readonly id: number
  readonly email: string
  readonly username: string
  readonly isActive: boolean
  readonly isSuperuser: boolean
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ApiKey {
  readonly id: number
  readonly name: string
  /** The first characters of the key, enough for its owner to recognise it. */
  readonly prefix: string
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
}

export interface Auth {
  /**
   * Creates a user; the first one ever is superuser.
   * @throws HearthError `bad_request`: name or address taken or malformed, password too weak
   */
  register(input: { email: string; username: string; password: string }): Promise<User>
  /**
   * Answers a signed JWT (HS256). Unknown users and wrong passwords look and last the same.
   * @throws HearthError `unauthorized`; `rate_limited` after failures; `bad_request` if inactive
   */
  login(input: { username: string; password: string; ip: string }): Promise<string>
  /** Who a bearer token (JWT or API key) belongs to; null when it is not valid. Cheap: cached. */
  whoIs(token: string): Promise<Who | null>
  /** The same at once and without a promise, or undefined when only `whoIs` can tell. */
  whoIsCached(token: string): Who | null | undefined
  user(id: number): Promise<User | null>
  /** Keeps secrets in tables: what is sealed for one purpose cannot be opened for another. */
  sealer(purpose: string): Promise<Sealer>
  /** Users for an administrator's list, by id. */
  users(page: { skip: number; limit: number }): Promise<User[]>
  /**
   * Changes what is given. A new password or `isActive: false` ends every JWT of the user; API keys
   * outlive a new password, and sleep while the user is inactive.
   * @throws HearthError `not_found`; `bad_request` also for removing the last active superuser
   */
  update(
    id: number,
    change: Partial<{ email: string; password: string; isActive: boolean; isSuperuser: boolean }>,
  ): Promise<User>
  createKey(
    userId: number,
    input: { name: string; expiresAt?: number },
  ): Promise<{ key: string; info: ApiKey }>
  keys(userId: number): Promise<ApiKey[]>
  /** @throws HearthError `not_found` when the user has no such key */
  revokeKey(userId: number, keyId: number): Promise<void>
}
