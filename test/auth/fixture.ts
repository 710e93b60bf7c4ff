/** Authentication on a given database, with a clock that tests move and hashes that cost little. */
import { authMigrations } from '../../src/auth/migrations.ts'
import { type AuthOptions, openAuth } from '../../src/auth/open.ts'
import type { PasswordCost } from '../../src/auth/passwords.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { HearthError } from '../../src/kernel/errors.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import type { Database } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'

export const cheapest: PasswordCost = { memoryKiB: 8, passes: 1 }
export const secretKey = new Uint8Array(32).fill(7)
export const startMs = Date.UTC(2026, 0, 1)
export const hourMs = 60 * 60_000

export interface HandClock extends Clock {
  advance(ms: number): void
}

/** Stands still until it is moved; runs what was due then, once for each call. */
export const handClock = (now = startMs): HandClock => {
  const works = new Set<() => void>()
  const add = (work: () => void) => {
    works.add(work)
    return { cancel: () => void works.delete(work) }
  }
  return {
    now: () => now,
    after: (_delayMs, work) => add(work),
    every: (_periodMs, work) => add(work),
    advance(ms) {
      now += ms
      for (const work of works) work()
    },
  }
}

export const ada = { email: 'ada@example.com', username: 'ada', password: 'correct horse' }
export const bob = { email: 'bob@example.com', username: 'bob', password: 'battery staple' }
export const home = '127.0.0.1'

export const authOn = (db: Database, clock: Clock, more: Partial<AuthOptions> = {}) =>
  openAuth({ db, secretKey, clock, log: silentLogger, passwordCost: cheapest, ...more })

export const migrateAuth = (db: Database) =>
  migrate(db, [{ plugin: 'auth', migrations: authMigrations }])

export interface Refusal {
  code: string
  message: string
  headers: Readonly<Record<string, string>>
}

/** What a call was refused with, as the caller is told. */
export const refusalOf = async (
  work: Promise<unknown> | (() => unknown),
): Promise<Refusal | { accepted: unknown }> => {
  try {
    const result = await (typeof work === 'function' ? work() : work)
    return { accepted: result }
  } catch (error) {
    if (!(error instanceof HearthError)) throw error
    const { code, message, headers } = error
    return { code, message, headers }
  }
}
