/** Turns bearer tokens into users: at once when known, by signature and tables when not. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import type { User } from './auth.ts'
import { findKey, isApiKey, noteKeyUse } from './keys.ts'
import { changesSoFar } from './state.ts'
import { type Recognized, TokenCache } from './token-cache.ts'
import type { Tokens } from './tokens.ts'
import { userById } from './users.ts'
import type { Who } from './who.ts'

const maxTokens = 20_000
const maxTokenLength = 4096
/** How long a change made by another server may go unnoticed. */
const recheckMs = 3_000
const keyUseNotedEveryMs = 60_000

export interface Recognizer {
  whoIsCached(token: string): Who | null | undefined
  whoIs(token: string): Promise<Who | null>
  /** Users or keys changed on this server: nothing remembered counts any more. */
  forget(): void
}

export const createRecognizer = (parts: {
  readonly db: Database
  readonly tokens: Tokens
  readonly clock: Clock
  readonly log: Logger
}): Recognizer => {
  const { db, tokens, clock, log } = parts
  const cache = new TokenCache(maxTokens)
  const verifying = new Map<string, Promise<Who | null>>()
  let seenChanges = -1
  let checkedAt = -Infinity
  let checking: Promise<void> | undefined

  const whoIsCached = (token: string): Who | null | undefined => {
    const now = clock.now()
    if (now - checkedAt >= recheckMs || now < checkedAt) return undefined
    const known = cache.get(token)
    if (!known) return undefined
    if (now >= known.expiresAt) return null
    if (known.keyId !== null) noteUse(known, known.keyId, now)
    return known.who
  }

  const noteUse = (known: Recognized, keyId: number, now: number): void => {
    if (now - known.lastUsedAt < keyUseNotedEveryMs) return
    known.lastUsedAt = now
    noteKeyUse(db, keyId, now).catch((error: unknown) => {
      log.warn('The last use of an API key was not written down', { keyId, error })
    })
  }

  /** Asks once, however many requests wait, whether some server changed users or keys. */
  const recheck = (): Promise<void> => {
    checking ??= (async () => {
      const startedAt = clock.now()
      const changes = await changesSoFar(db)
      if (changes !== seenChanges) cache.clear()
      seenChanges = changes
      checkedAt = startedAt
    })().finally(() => {
      checking = undefined
    })
    return checking
  }

  const verify = async (token: string): Promise<Who | null> => {
    const { epoch } = cache
    const now = clock.now()
    const found = isApiKey(token) ? await byKey(token) : await byJwt(token, now)
    if (!found || now >= found.expiresAt) return null
    if (found.keyId !== null) noteUse(found, found.keyId, now)
    cache.set(token, found, epoch)
    return found.who
  }

  const byKey = async (token: string): Promise<Recognized | null> => {
    const key = await findKey(db, token)
    if (!key) return null
    const owner = await userById(db, key.userId)
    if (!owner?.user.isActive) return null
    return {
      who: whoOf(owner.user, 'key'),
      expiresAt: key.info.expiresAt ?? Infinity,
      keyId: key.info.id,
      lastUsedAt: key.info.lastUsedAt ?? -Infinity,
    }
  }

  const byJwt = async (token: string, now: number): Promise<Recognized | null> => {
    const claims = await tokens.verify(token, now)
    if (!claims) return null
    const owner = await userById(db, claims.userId)
    if (!owner?.user.isActive || owner.tokenVersion !== claims.version) return null
    return {
      who: whoOf(owner.user, 'jwt'),
      expiresAt: claims.expiresAt,
      keyId: null,
      lastUsedAt: 0,
    }
  }

  return {
    whoIsCached,
    async whoIs(token) {
      if (token.length > maxTokenLength) return null
      const now = clock.now()
      if (now - checkedAt >= recheckMs || now < checkedAt) await recheck()
      const known = whoIsCached(token)
      if (known !== undefined) return known
      const underWay = verifying.get(token)
      if (underWay) return underWay
      const verified = verify(token).finally(() => verifying.delete(token))
      verifying.set(token, verified)
      return verified
    },
    forget() {
      cache.clear()
      verifying.clear()
    },
  }
}

const whoOf = ({ id, username, isSuperuser }: User, via: 'jwt' | 'key'): Who =>
  Object.freeze({ id, username, isSuperuser, via })
