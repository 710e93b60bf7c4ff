/** Signs and checks login tokens: JWTs with one fixed algorithm, so that no header can choose. */
import { jwtVerify, SignJWT } from 'jose'

const algorithm = 'HS256'

/** What a valid token says. */
export interface TokenClaims {
  readonly userId: number
  /** Counts what ended the user's tokens so far; a token with an older count is void. */
  readonly version: number
  readonly expiresAt: number
}

export interface Tokens {
  sign(claims: TokenClaims, now: number): Promise<string>
  /** Null for a token that is malformed, tampered with, expired, or signed in another way. */
  verify(token: string, now: number): Promise<TokenClaims | null>
}

/** @param secretKey at least 32 bytes */
export const openTokens = async (secretKey: Uint8Array<ArrayBuffer>): Promise<Tokens> => {
  const key = await crypto.subtle.importKey(
    'raw',
    secretKey,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign', 'verify'],
  )
  return {
    sign: ({ userId, version, expiresAt }, now) =>
      new SignJWT({ ver: version })
        .setProtectedHeader({ typ: 'JWT', alg: algorithm })
        .setSubject(String(userId))
        .setIssuedAt(Math.floor(now / 1000))
        .setExpirationTime(Math.floor(expiresAt / 1000))
        .setJti(crypto.randomUUID())
        .sign(key),
    async verify(token, now) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [algorithm],
          typ: 'JWT',
          requiredClaims: ['sub', 'iat', 'exp', 'jti', 'ver'],
          currentDate: new Date(now),
        })
        const { sub, ver, exp } = payload
        if (!/^[1-9]\d{0,15}$/.test(sub ?? '') || typeof ver !== 'number') return null
        return { userId: Number(sub), version: ver, expiresAt: Number(exp) * 1000 }
      } catch {
        return null
      }
    },
  }
}
