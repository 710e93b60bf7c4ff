/** Only tokens that this server signed, in the one way it signs, are worth anything. */
import { describe, expect, test } from 'bun:test'
import { SignJWT } from 'jose'
import { openTokens } from '../../src/auth/tokens.ts'
import { secretKey, startMs } from './fixture.ts'

const tokens = await openTokens(secretKey)
const claims = { userId: 7, version: 3, expiresAt: startMs + 60_000 }
const good = await tokens.sign(claims, startMs)
const [head = '', payload = '', signature = ''] = good.split('.')

const encode = (value: object): string =>
  new TextEncoder()
    .encode(JSON.stringify(value))
    .toBase64({ alphabet: 'base64url' })
    .replaceAll('=', '')
const decode = (part: string): object =>
  JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(part, { alphabet: 'base64url' })))

const signed = (key: Uint8Array, alg: string, body: object, typ = 'JWT'): Promise<string> =>
  new SignJWT({ ...body }).setProtectedHeader({ typ, alg }).sign(key)

test('a token is a JWT with the header and the claims of the field', () => {
  expect(head).toBe('eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9')
  expect(decode(payload)).toEqual({
    sub: '7',
    ver: 3,
    iat: startMs / 1000,
    exp: startMs / 1000 + 60,
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
})

test('a token is known again until it expires', async () => {
  expect(await tokens.verify(good, startMs)).toEqual(claims)
  expect(await tokens.verify(good, startMs + 59_999)).toEqual(claims)
  expect(await tokens.verify(good, startMs + 60_000)).toBeNull()
})

test('two tokens of one moment differ', async () => {
  expect(await tokens.sign(claims, startMs)).not.toBe(good)
})

describe('refuses', () => {
  const body = decode(payload) as Record<string, unknown>
  const { jti: _jti, ...withoutId } = body
  const long = new Uint8Array(64).fill(7)

  test.each<[string, string | Promise<string>]>([
    ['nothing', ''],
    ['something else', 'hello'],
    ['algorithm none', `${encode({ typ: 'JWT', alg: 'none' })}.${payload}.`],
    [
      'algorithm none with a signature',
      `${encode({ typ: 'JWT', alg: 'none' })}.${payload}.${signature}`,
    ],
    ['a missing signature', `${head}.${payload}.`],
    ['a signature cut short', good.slice(0, -4)],
    ['another payload', `${head}.${encode({ ...body, sub: '1' })}.${signature}`],
    ['another header', `${encode({ alg: 'HS256', typ: 'JWT' })}.${payload}.${signature}`],
    ['another key', signed(new Uint8Array(32).fill(8), 'HS256', body)],
    ['HS384', signed(long, 'HS384', body)],
    ['HS512', signed(long, 'HS512', body)],
    ['another type of token', signed(secretKey, 'HS256', body, 'at+jwt')],
    ['no expiry', signed(secretKey, 'HS256', { ...body, exp: undefined })],
    ['no id', signed(secretKey, 'HS256', withoutId)],
    ['no version', signed(secretKey, 'HS256', { ...body, ver: undefined })],
    ['a version that is text', signed(secretKey, 'HS256', { ...body, ver: '3' })],
    ['a user that is no number', signed(secretKey, 'HS256', { ...body, sub: 'ada' })],
    ['user 0', signed(secretKey, 'HS256', { ...body, sub: '0' })],
    ['a time to come', signed(secretKey, 'HS256', { ...body, nbf: startMs / 1000 + 60 })],
  ])('%s', async (_what, token) => {
    expect(await tokens.verify(await token, startMs)).toBeNull()
  })

  test('but not the same claims signed as it should be', async () => {
    expect(await tokens.verify(await signed(secretKey, 'HS256', body), startMs)).toEqual(claims)
  })
})
