/** The memory of tokens is bounded, keeps what is used, and never brings back the forgotten. */
import { expect, test } from 'bun:test'
import { type Recognized, TokenCache } from '../../src/auth/token-cache.ts'

const recognized = (id: number): Recognized => ({
  who: { id, username: `user${id}`, isSuperuser: false, via: 'jwt' },
  expiresAt: Infinity,
  keyId: null,
  lastUsedAt: 0,
})

test('keeps the tokens in use while others come and go', () => {
  const cache = new TokenCache(10)
  cache.set('mine', recognized(0), cache.epoch)
  for (let n = 1; n <= 1000; n++) {
    cache.set(`token ${n}`, recognized(n), cache.epoch)
    expect(cache.get('mine')).toEqual(recognized(0))
  }
  const kept = Array.from({ length: 1000 }, (_, n) => cache.get(`token ${n + 1}`)).filter(Boolean)
  expect(kept.length).toBeLessThanOrEqual(10)
  expect(cache.get('token 1000')).toEqual(recognized(1000))
})

test('a token whose verification began before everything was forgotten does not enter', () => {
  const cache = new TokenCache(10)
  const began = cache.epoch
  cache.set('early', recognized(1), began)
  cache.clear()
  expect(cache.get('early')).toBeUndefined()
  cache.set('late', recognized(2), began)
  expect(cache.get('late')).toBeUndefined()
  cache.set('fresh', recognized(3), cache.epoch)
  expect(cache.get('fresh')).toEqual(recognized(3))
})
