/** Makes guessing passwords slow: after some failures each further login waits, ever longer. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import { addressKey } from './address.ts'

/** Failures that cost nothing: people mistype, and a whole office may share one address. */
const freePerUser = 5
const freePerAddress = 20
const firstDelayMs = 1_000
const maxDelayMs = 15 * 60_000
/** Failures are forgotten when there was none for this long. */
const memoryMs = 60 * 60_000
const maxEntries = 10_000

export interface Attempt {
  /** Takes the attempt back: it was the right password. */
  succeeded(): void
}

export interface Attempts {
  /** @throws HearthError `rate_limited` while a login has to wait */
  check(username: string, ip: string): void
  /**
   * Counts an attempt as failed until it says otherwise, so that attempts side by side count too.
   * @throws HearthError `rate_limited` while a login has to wait
   */
  begin(username: string, ip: string): Attempt
}

interface Failures {
  count: number
  lastAt: number
}

/** Counts failed logins per user and address, and per address. Each server counts for itself. */
export const createAttempts = (clock: Clock): Attempts => {
  const byUser = new Map<string, Failures>()
  const byAddress = new Map<string, Failures>()

  const check = (username: string, ip: string): void => {
    const now = clock.now()
    const address = addressKey(ip)
    const waitMs = Math.max(
      waitOf(byUser.get(userKey(username, address)), freePerUser, now),
      waitOf(byAddress.get(address), freePerAddress, now),
    )
    if (waitMs <= 0) return
    const seconds = Math.ceil(waitMs / 1000)
    throw new HearthError(
      'rate_limited',
      `Too many failed logins; try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`,
      { headers: { 'Retry-After': String(seconds) } },
    )
  }

  return {
    check,
    begin(username, ip) {
      check(username, ip)
      const now = clock.now()
      const address = addressKey(ip)
      const user = userKey(username, address)
      const undoAddress = fail(byAddress, address, now)
      fail(byUser, user, now)
      return {
        succeeded() {
          byUser.delete(user)
          undoAddress()
        },
      }
    },
  }
}

const userKey = (username: string, address: string): string => `${address} ${username}`

const waitOf = (failures: Failures | undefined, free: number, now: number): number => {
  if (!failures || failures.count < free || now - failures.lastAt >= memoryMs) return 0
  const delayMs = Math.min(firstDelayMs * 2 ** (failures.count - free), maxDelayMs)
  return failures.lastAt + delayMs - now
}

/** Counts one failure and answers how to take it back. */
const fail = (all: Map<string, Failures>, key: string, now: number): (() => void) => {
  const known = all.get(key)
  const failures = known && now - known.lastAt < memoryMs ? known : { count: 0, lastAt: 0 }
  const before = failures.lastAt
  failures.count++
  failures.lastAt = now
  // Deleted first, so that the map stays in order of last failure and the oldest is the one to go.
  all.delete(key)
  all.set(key, failures)
  if (all.size > maxEntries) {
    for (const oldest of all.keys()) {
      all.delete(oldest)
      break
    }
  }
  return () => {
    failures.count--
    if (failures.lastAt === now) failures.lastAt = before
  }
}
